/** What agents give to their hooks, as Claude Code 2.1.329, Codex 0.169.0 and Gemini CLI 0.61.0 do; Cursor as documented. */

const claude = (session: string, cwd: string, name: string, more: object) => ({
  session_id: session,
  transcript_path: `${cwd}/.claude/projects/x/${session}.jsonl`,
  cwd,
  hook_event_name: name,
  ...more
})

/** A turn of Claude Code: it is started, told something, writes a file, changes it, answers, ends. */
export const claudeTurn = (
  session: string,
  cwd: string,
  {
    answer = "All done.",
    path = "hello.txt",
    prompt
  }: { readonly prompt: string; readonly path?: string; readonly answer?: string }
) => {
  const turn = { prompt_id: `p-${session}-${prompt.length}`, permission_mode: "acceptEdits" }
  const filePath = `${cwd}/${path}`
  const written = "hello from mock\n"
  return [
    claude(session, cwd, "SessionStart", { source: "startup", model: "claude-opus-5-5" }),
    claude(session, cwd, "UserPromptSubmit", { ...turn, prompt }),
    claude(session, cwd, "PreToolUse", { ...turn, tool_name: "Write", tool_input: {}, tool_use_id: "t1" }),
    claude(session, cwd, "PostToolUse", {
      ...turn,
      tool_name: "Write",
      tool_input: { file_path: filePath, content: written },
      tool_response: {
        type: "create",
        filePath,
        content: written,
        structuredPatch: [],
        originalFile: null,
        userModified: false
      },
      tool_use_id: `t1-${session}`,
      duration_ms: 66
    }),
    claude(session, cwd, "PostToolUse", {
      ...turn,
      tool_name: "Edit",
      tool_input: { file_path: filePath, old_string: "hello", new_string: "good$&bye", replace_all: false },
      tool_response: {
        filePath,
        oldString: "hello",
        newString: "good$&bye",
        originalFile: written,
        structuredPatch: [],
        userModified: false,
        replaceAll: false
      },
      tool_use_id: `t2-${session}`
    }),
    claude(session, cwd, "Stop", {
      ...turn,
      stop_hook_active: false,
      last_assistant_message: answer,
      background_tasks: [],
      session_crons: []
    })
  ]
}

export const claudeEnd = (session: string, cwd: string) => claude(session, cwd, "SessionEnd", { reason: "other" })

export const codexHooks = (cwd: string) => {
  const base = {
    session_id: "01a1fb9a-73b5",
    transcript_path: null,
    cwd,
    model: "gpt-5-codex",
    permission_mode: "bypassPermissions"
  }
  const turn = { ...base, turn_id: "turn-1" }
  const patch =
    "*** Begin Patch\n*** Add File: src/new.ts\n+export {}\n*** Update File: old.ts\n@@\n-one\n+two\n*** End Patch\n"
  return [
    { ...base, hook_event_name: "SessionStart", source: "startup" },
    { ...turn, hook_event_name: "UserPromptSubmit", prompt: "create hello.txt" },
    {
      ...turn,
      hook_event_name: "PostToolUse",
      tool_name: "Bash",
      tool_input: { command: "ls" },
      tool_response: "hi\n",
      tool_use_id: "call_1"
    },
    {
      ...turn,
      hook_event_name: "PostToolUse",
      tool_name: "apply_patch",
      tool_input: { command: ["apply_patch", patch] },
      tool_response: "",
      tool_use_id: "call_2"
    },
    { ...turn, hook_event_name: "Stop", stop_hook_active: false, last_assistant_message: "Done: hello.txt written." },
    { ...base, hook_event_name: "SessionEnd", reason: "other" }
  ]
}

/** Of the same turn. */
export const codexNotify = (cwd: string) => ({
  type: "agent-turn-complete",
  "thread-id": "01a1fb9a-73b5",
  "turn-id": "turn-1",
  cwd,
  client: "codex_exec",
  "input-messages": ["create hello.txt"],
  "last-assistant-message": "Done: hello.txt written."
})

export const geminiHooks = (cwd: string) => {
  const base = { session_id: "e27742df-be6c", transcript_path: `${cwd}/x.jsonl`, cwd }
  const at = (second: number) => ({ timestamp: `2026-11-21T00:56:0${second}.166Z` })
  return [
    { ...base, hook_event_name: "SessionStart", ...at(0), source: "startup" },
    { ...base, hook_event_name: "BeforeAgent", ...at(1), prompt: "create hello.txt" },
    {
      ...base,
      hook_event_name: "AfterTool",
      ...at(2),
      tool_name: "write_file",
      tool_input: { file_path: `${cwd}/hello.txt`, content: "hi\n" },
      tool_response: {
        llmContent: "Successfully created and wrote to new file",
        returnDisplay: {
          fileDiff: "",
          fileName: "hello.txt",
          filePath: `${cwd}/hello.txt`,
          originalContent: "",
          newContent: "hi\n"
        }
      }
    },
    {
      ...base,
      hook_event_name: "AfterTool",
      ...at(3),
      tool_name: "list_directory",
      tool_input: {},
      tool_response: { llmContent: "x", returnDisplay: "y" }
    },
    {
      ...base,
      hook_event_name: "AfterAgent",
      ...at(4),
      prompt: "create hello.txt",
      prompt_response: "Done.",
      stop_hook_active: false
    },
    { ...base, hook_event_name: "SessionEnd", ...at(5), reason: "exit" }
  ]
}

export const cursorHooks = (cwd: string) => {
  const base = {
    conversation_id: "c1",
    generation_id: "g1",
    workspace_roots: [cwd],
    user_email: "ada@example.com",
    model: "m"
  }
  return [
    { ...base, hook_event_name: "beforeSubmitPrompt", prompt: "rename it", attachments: [] },
    {
      ...base,
      hook_event_name: "afterFileEdit",
      file_path: `${cwd}/a.ts`,
      edits: [{ old_string: "a\n", new_string: "b\n" }]
    },
    { ...base, hook_event_name: "afterAgentResponse", text: "Renamed." },
    { ...base, hook_event_name: "stop", status: "completed", loop_count: 0 }
  ]
}

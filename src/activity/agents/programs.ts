import type { Manifest } from "../manifest.ts"

/** Arguments that are a script or commands to run, so that the shell has no prompt: behind options and their values. */
const scripted =
  "^(?:(?:--(?:rcfile|init-file) \\S+|--(?!rcfile|init-file)[a-z-]+|-[abefhiklmnprtuvxsBCDEHPT]+|[-+]O \\S+|\\+\\w+) )*(?:-\\w*c\\b|[^-+\\s])"

const shell: Manifest = {
  agent: "shell",
  kind: "shell",
  commands: ["^(ba|z|fi|da|k|mk|a|tc|c|nu|xon|elv|o)?sh$", "^(nu|xonsh|elvish|pwsh)$"],
  unattended: [scripted],
  rules: []
}

/** Pagers and editors: what started them goes on when their user closes them. */
const viewer: Manifest = {
  agent: "viewer",
  kind: "viewer",
  commands: [
    "^(less|more|most|man|pg|bat)$",
    "^(n?vim?|vim\\.\\w+|vimdiff|nvim|view|ex|nano|pico|emacs|emacsclient|micro|hx|helix|kak|joe|ed|mcedit)$"
  ],
  rules: []
}

const repl: Manifest = {
  agent: "repl",
  kind: "repl",
  commands: [
    "^(python|pypy)[\\d.]*$",
    "^(i?python\\d*|bpython|ptpython|node|nodejs|deno|bun|irb|pry|ghci|iex|erl|lua\\d*|sqlite3?|psql|mysql|mariadb|redis-cli|mongosh?|gdb|lldb|R|julia|scala|jshell|clj|bc)$"
  ],
  rules: [
    {
      rule: "prompt",
      state: "idle",
      when: [
        {
          in: "before-cursor",
          match:
            "^(>>>|\\.\\.\\.|>|\\.{3}|In \\[\\d+\\]:|irb[^\\n]{0,30}[>*]|\\[\\d+\\] pry[^\\n]*>|iex[^\\n]{0,12}>|ghci>|Prelude>|sqlite>|\\w+[=-][#>]|(mysql|MariaDB)[^\\n]{0,40}>|[\\d.:]+(\\[\\d+\\])?>|\\w{1,20}>|\\((gdb|lldb)\\)|julia>|scala>|jshell>|user=>)(?: |$)"
        },
        { in: "from-cursor 0", not: "\\n\\S" }
      ]
    }
  ]
}

/** What shows a screen from elsewhere: the processes here say nothing about it. */
const relay: Manifest = {
  agent: "relay",
  kind: "relay",
  commands: [
    "^(mosh|mosh-client|telnet|tmux|tmux: client|screen|zellij|abduco|dtach|machinectl|script|su|sudo|doas|watch)$"
  ],
  rules: []
}

/** Those that show one with some of their commands; with others they are programs like any. */
const sometimes = (commands: string, unattended: string): Manifest => ({
  agent: "relay",
  kind: "relay",
  commands: [commands],
  unattended: [unattended],
  rules: []
})

const relays: ReadonlyArray<Manifest> = [
  relay,
  sometimes("^ssh$", "\\bgit-(upload-pack|receive-pack|upload-archive)\\b|(^| )rsync --server\\b"),
  sometimes("^(docker|podman|lxc)$", "^(?!.*(^| )(run|exec|attach|start|shell|console)( |$))"),
  sometimes("^kubectl$", "^(?!.*(^| )(run|exec|attach|debug)( |$))"),
  sometimes("^hob$", "^(?!(run|attach|output|logs)( |$))")
]

/** Kinds of programs that are no agents. */
export const programs: ReadonlyArray<Manifest> = [viewer, repl, ...relays, shell]

/**
 * One request of each method, as a client would send it. The documentation checks each against the method's schema,
 * and fails where a method has none.
 */
export const examples: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "daemon.ping": {},
  "daemon.status": {},
  "daemon.stop": { sessions: false },
  "daemon.reload": {},
  "daemon.config": {},
  "daemon.upgrade": { check: true },
  "dialects.list": {},
  "dialects.enable": { name: "claude-sessions" },
  "dialects.disable": { name: "claude-sessions" },
  "sessions.run": {
    name: "build",
    command: ["make", "-j4"],
    cwd: "/srv/app",
    env: { PATH: "/usr/bin:/bin", TERM: "xterm-256color" },
    cols: 120,
    rows: 40
  },
  "sessions.list": { all: true },
  "sessions.show": { session: "build" },
  "sessions.attach": { session: "build", mode: "follow", since: 0 },
  "sessions.output": { session: "3f9a", tail: 4096, follow: true },
  "sessions.send": { session: "build", data: "bHMNCg==" },
  "sessions.resize": { session: "build", cols: 100, rows: 30 },
  "sessions.wait": { session: "build", for: { match: "listening on .*:(\\d+)" }, timeoutMillis: 60000 },
  "sessions.kill": { session: "build", signal: "SIGINT", graceMillis: 2000 },
  "sessions.rename": { session: "3f9a", name: "build" },
  "sessions.tag": { session: "build", add: ["ci"], remove: ["draft"] },
  "sessions.templates": {},
  "sessions.remove": { session: "build", force: true },
  "sessions.export": { session: "build" },
  "sessions.screen": { session: "agent" },
  "sessions.text": { session: "agent", from: -100 },
  "sessions.submit": { session: "agent", text: "Please run the tests\nand fix what fails.", timeoutMillis: 30000 },
  "sessions.explain": { session: "agent" },
  "sessions.sign": { session: "agent", agent: "claude", event: "Notification", detail: "permission needed" },
  "sessions.search": { text: "error TS", limit: 100 },
  "sessions.events": {}
}

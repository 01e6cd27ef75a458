import { assert, describe, it } from "vitest"
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { baseOf, leaveSessionGroup, parseHierarchies, sessionGroup } from "../../src/config/cgroups.ts"

const session = "3f9a1c52-7d1e-4b3a-9c2f-0a1b2c3d4e5f"

const hybrid = `31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:7 - cgroup2 cgroup2 rw
`

describe("where a process stands in the control groups", () => {
  it("is told for each hierarchy, of version 1 and 2 side by side", () => {
    const self = "9:name=systemd:/\n4:memory:/jobs/a b\n1:cpu,cpuacct:/\n0::/user.slice\n"
    assert.deepStrictEqual(parseHierarchies(hybrid, self), [
      { version: 1, controllers: ["cpu", "cpuacct"], own: "/sys/fs/cgroup/cpu,cpuacct" },
      { version: 1, controllers: ["memory"], own: "/sys/fs/cgroup/memory/jobs/a b" },
      { version: 1, controllers: ["name=systemd"], own: "/sys/fs/cgroup/systemd" },
      { version: 2, controllers: [], own: "/sys/fs/cgroup/unified/user.slice" }
    ])
  })

  it("is told where only version 2 is, and where a container sees a part of the tree", () => {
    const whole = "24 22 0:21 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate"
    assert.deepStrictEqual(parseHierarchies(whole, "0::/user.slice/a.scope\n"), [
      { version: 2, controllers: [], own: "/sys/fs/cgroup/user.slice/a.scope" }
    ])
    const part = "24 22 0:21 /docker/abc /mnt/with\\040space rw - cgroup2 cgroup2 rw"
    assert.deepStrictEqual(parseHierarchies(part, "0::/docker/abc/sub\n"), [
      { version: 2, controllers: [], own: "/mnt/with space/sub" }
    ])
    assert.deepStrictEqual(parseHierarchies(part, "0::/docker/abcd\n"), [])
    assert.deepStrictEqual(parseHierarchies("", ""), [])
  })

  it("has as base for sessions what is above every cgroup that hob itself made", () => {
    assert.strictEqual(baseOf("/cg/user.slice"), "/cg/user.slice")
    assert.strictEqual(baseOf(`/cg/user.slice/${sessionGroup(session)}/below`), "/cg/user.slice")
    assert.strictEqual(baseOf("/cg/unit/hob-host"), "/cg/unit")
    assert.strictEqual(baseOf(`/cg/unit/hob-host/${sessionGroup(session)}`), "/cg/unit")
  })

  it("is left by a daemon that was started inside a session", () => {
    const root = mkdtempSync(join(tmpdir(), "hob-cg-"))
    const inside = join(root, sessionGroup(session))
    mkdirSync(inside)
    for (const directory of [root, inside]) writeFileSync(join(directory, "cgroup.procs"), "")
    const told = (own: string) => {
      leaveSessionGroup([{ version: 2, controllers: [], own }], 4711)
      return readFileSync(join(root, "cgroup.procs"), "utf8")
    }
    assert.strictEqual(told(root), "")
    assert.strictEqual(told(inside), "4711")
  })
})

import { execFileSync } from "node:child_process"
import { assert, describe } from "vitest"
import { needs } from "../support/needs.ts"
import { read, root } from "../support/tree.ts"

const it = needs("nix-instantiate")

/** Evaluates an expression over the flake's outputs, with a stand-in for nixpkgs and without a store. */
const evaluate = (expression: string): unknown =>
  JSON.parse(
    execFileSync(
      "nix-instantiate",
      ["--store", "dummy://", "--eval", "--strict", "--json", "--expr", "--argstr", "root", root].concat(
        `{ root }: let self = (import (/. + root + "/flake.nix")).outputs {
           self = self // { outPath = root; };
           nixpkgs = import (/. + root + "/test/ground/fixtures/nixpkgs.nix");
         }; in ${expression}`
      ),
      { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }
    )
  )

interface Package {
  readonly resolved?: string
  readonly os?: ReadonlyArray<string>
  readonly cpu?: ReadonlyArray<string>
  readonly devDependencies?: Readonly<Record<string, string>>
}

interface Lock {
  readonly packages: Readonly<Record<string, Package>>
}

const everywhere = (...names: ReadonlyArray<string>) => ({
  "aarch64-darwin": names,
  "aarch64-linux": names,
  "x86_64-linux": names
})

describe("flake.nix", () => {
  it("offers a package, an app, a shell and checks on each system", () => {
    const outputs = evaluate("builtins.mapAttrs (_: builtins.mapAttrs (_: builtins.attrNames)) self")
    assert.deepStrictEqual(outputs, {
      packages: everywhere("default"),
      apps: everywhere("default"),
      devShells: everywhere("default"),
      checks: everywhere("package", "tests")
    })
  })

  it("can be evaluated for every system", () => {
    for (const system of ["aarch64-darwin", "aarch64-linux", "x86_64-linux"]) {
      const lock = JSON.parse(evaluate(`self.packages.${system}.default.npmDeps.attrs.lock`) as string) as Lock
      assert.match(lock.packages["node_modules/effect"]?.resolved ?? "", /^file:/)
    }
  })

  it("names a tarball for every package that this platform installs, and the npm package node nowhere", () => {
    const lock = JSON.parse(evaluate("self.packages.x86_64-linux.default.npmDeps.attrs.lock") as string) as Lock
    const locked = JSON.parse(read("package-lock.json")) as Lock
    const expected = Object.keys(locked.packages).filter((path) => !/^node_modules\/node(-bin-setup)?(\/|$)/.test(path))
    assert.sameMembers(Object.keys(lock.packages), expected)
    for (const [path, entry] of Object.entries(lock.packages)) {
      if (path === "") continue
      const foreign = entry.os !== undefined && !entry.os.includes("linux")
      if (foreign) assert.notProperty(entry, "resolved", path)
      if (entry.os === undefined && entry.cpu === undefined)
        assert.match(entry.resolved ?? "", /^file:\/store\/.+\.tgz$/, path)
    }
    assert.notProperty(lock.packages[""]!.devDependencies, "node")
    assert.property(lock.packages[""]!.devDependencies, "vitest")
  })
})

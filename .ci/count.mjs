// Reads what vitest reports as JSON.
//   count.mjs REPORT [REPORT AGAIN]   prints "PASSED FAILED", and on stderr what failed or passed only the second time
//   count.mjs --failed REPORT         prints the files in which something failed, a line each
// A skipped test and a file that could not be loaded are failures.
import { existsSync, readFileSync } from "node:fs"
import { relative } from "node:path"

/** Of each file, the tests with what became of them. A file that failed as a whole has one test more: itself. */
const read = (path) =>
  new Map(
    JSON.parse(readFileSync(path, "utf8")).testResults.map((file) => {
      const tests = file.assertionResults.map(({ fullName, status }) => ({ name: fullName, status }))
      const isBroken = file.status === "failed" && !tests.some(({ status }) => status === "failed")
      return [relative(process.cwd(), file.name), isBroken ? [...tests, { name: "the file", status: "failed" }] : tests]
    })
  )

const isBad = ({ status }) => status !== "passed"
const badFiles = (report) => [...report].filter(([, tests]) => tests.some(isBad)).map(([file]) => file)

if (process.argv[2] === "--failed") {
  for (const file of badFiles(read(process.argv[3]))) console.log(file)
} else {
  const [first, second] = process.argv.slice(2).filter(existsSync).map(read)
  for (const file of badFiles(first)) {
    const tests = second?.get(file)
    for (const { name, status } of first.get(file).filter(isBad))
      console.error(
        tests?.some(isBad) === false
          ? `unsteady, passed the second time: ${file}: ${name}`
          : `${status}: ${file}: ${name}`
      )
    if (tests?.some(isBad) === false && tests.length > 0) first.set(file, tests)
  }
  const all = [...first.values()].flat()
  console.log(all.filter((test) => !isBad(test)).length, all.filter(isBad).length)
}

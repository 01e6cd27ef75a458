import { closeSync, constants, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs"
import { dirname } from "node:path"

/** Gives a file this content in one step, whatever happens meanwhile. Its directory has to be there. Throws what the system says. */
export const replaceFile = (path: string, content: string, mode: number): void => {
  const fresh = `${path}.${process.pid}.new`
  try {
    rmSync(fresh, { force: true })
    const fd = openSync(fresh, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, mode)
    try {
      writeSync(fd, content)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    renameSync(fresh, path)
  } catch (error) {
    rmSync(fresh, { force: true })
    throw error
  }
  const directory = openSync(dirname(path), constants.O_RDONLY)
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}

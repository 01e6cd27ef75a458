import { join } from "node:path"

/** What `hob capture install` was told for a repository, by the git directory that its work trees share. */
export const captureChoicePath = (commonDirectory: string): string => join(commonDirectory, "hob-capture.json")

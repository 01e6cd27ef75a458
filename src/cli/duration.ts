export { parseDuration } from "../config/quantities.ts"

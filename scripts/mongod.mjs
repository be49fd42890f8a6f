// Prints the path of a mongod, and fetches one if it finds none: `pnpm mongod`.
import { findMongod, log, MongodNotFound } from "./find-mongod.mjs"

try {
  process.stdout.write(`${await findMongod()}\n`)
} catch (error) {
  log(error instanceof MongodNotFound ? error.message : error.stack)
  process.exitCode = 1
}

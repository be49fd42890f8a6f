// Runs a command with MONGOD_BINARY set to a mongod that works: `node scripts/with-mongod.mjs vitest run`.
// If MONGODB_URI names a server, the command needs no binary.
import { spawn } from "node:child_process"
import { findMongod, log, MongodNotFound } from "./find-mongod.mjs"

const [command, ...args] = process.argv.slice(2)
if (command === undefined) {
  log("usage: with-mongod.mjs COMMAND [ARGUMENT...]")
  process.exit(2)
}

const env = { ...process.env }
if ((env.MONGODB_URI ?? "") === "") {
  try {
    env.MONGOD_BINARY = await findMongod()
  } catch (error) {
    log(error instanceof MongodNotFound ? error.message : error.stack)
    process.exit(1)
  }
}

const child = spawn(command, args, { stdio: "inherit", env })

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    // The terminal sends Ctrl-C to the whole foreground group: the child has it already, and would take a second one
    // for "stop at once".
    if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal)
  })
}

child.on("error", (error) => {
  log(error.code === "ENOENT" ? `the command ${command} was not found: install it, or correct its name` : error.message)
  process.exit(127)
})
child.on("close", (code, signal) => {
  if (signal === null) process.exit(code ?? 1)
  // Ends as the child did, so that the caller sees the same signal.
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
})

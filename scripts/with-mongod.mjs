// Runs a command with MONGOD_BINARY set to a mongod that runs: `node scripts/with-mongod.mjs vitest run`.
// Where MONGODB_URI names a server, no binary is needed.
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
    // The terminal sends Ctrl-C to the whole foreground group: the child has it already, and a second one would be read
    // as "stop at once".
    if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal)
  })
}

child.on("error", (error) => {
  log(error.code === "ENOENT" ? `there is no command ${command}` : error.message)
  process.exit(127)
})
child.on("close", (code, signal) => {
  if (signal === null) process.exit(code ?? 1)
  // Ends as the child did, so that the caller sees the same.
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
})

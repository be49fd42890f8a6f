#!/usr/bin/env node
// The file that a person or a pipeline runs, here with `npx tsx db.ts status`, and then `migrate`, `indexes apply --yes` or `--help`.
// Node runs it too when it is compiled.
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Effect } from "effect"
import { Command } from "effect/cli"
import { command } from "./command.ts"

Command.run(command, { version: "1.0.0" }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)

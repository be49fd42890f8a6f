#!/usr/bin/env node
// The file that a person or a pipeline runs, here with `npx tsx db.ts status`, `npx tsx db.ts indexes plan` or `npx tsx db.ts --help`.
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect } from "effect"
import { Command } from "effect/cli"
import { command } from "./command.ts"

Command.run(command, { version: "1.0.0" }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)

#!/usr/bin/env node
// The file that a person or a pipeline runs: `db.ts status`, `db.ts indexes plan`, `db.ts --help`.
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect } from "effect"
import { Command } from "effect/cli"
import { command } from "./command.ts"

Command.run(command, { version: "1.0.0" }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)

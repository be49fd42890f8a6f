#!/usr/bin/env node
// arguments: migrate --dry-run --json

// #region file
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Effect } from "effect"
import { Command } from "effect/cli"
import { command } from "./command.ts"

Command.run(command, { version: "1.0.0" }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)
// #endregion file

// A process that works on orders until somebody kills it.
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Layer } from "effect"
import { Collections } from "./models.ts"
import { Database, FulfilmentLive, Working } from "./order.ts"
import { Shop } from "./shop.ts"

// It ends with the program that started it.
process.stdin.resume().once("end", () => process.exit(1))

FulfilmentLive.pipe(
  Layer.provide(Working),
  Layer.provide(Layer.provide(Shop.layer, Collections)),
  Layer.provide(Database),
  Layer.launch,
  NodeRuntime.runMain
)

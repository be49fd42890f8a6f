import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect } from "effect"
import { Server, type Span, treeOf } from "./collector.ts"
import { collected } from "./shop.ts"

// #region program
const describe = ({ attributes, events, name, status }: Span) =>
  [
    name,
    ...attributes.filter(({ key }) => ["db.query.text", "shop.product"].includes(key))
      .map(({ key, value }) => `${key}=${String(value.stringValue)}`),
    ...events.filter(({ name }) => name !== "exception").map(({ name }) => `(${name})`),
    ...status.code === 2 ? ["failed"] : []
  ].join("  ")

const program = Effect.gen(function*() {
  for (const { depth, span } of treeOf(yield* collected)) {
    yield* Console.log(`${"  ".repeat(depth)}${describe(span)}`)
  }
})
// #endregion program

NodeRuntime.runMain(Effect.provide(program, Server))

/**
 * The servers that the tests run on.
 *
 * @since 0.1.0
 */
import { MongoServer } from "@mongofx/testing"
import type { Layer } from "effect"

export interface Deployment {
  /** How the command line names it. */
  readonly name: string
  readonly title: string
  readonly layer: Layer.Layer<MongoServer.MongoServer, MongoServer.MongoServerError>
}

/** As in production: tests make a primary step down, and nothing else may start an election. */
const electionTimeout = "10 seconds"

export const one: Deployment = {
  name: "one",
  title: "A replica set of one member",
  layer: MongoServer.layerBinary()
}

export const three: Deployment = {
  name: "three",
  title: "A replica set of three members",
  layer: MongoServer.layerReplicaSet({ members: 3, electionTimeout })
}

/** Events of change streams wait for the no-ops of idle shards, which come every 10 seconds in production. */
const noops = ["--setParameter", "periodicNoopIntervalSecs=1"]

export const sharded: Deployment = {
  name: "sharded",
  title: "A sharded cluster of two shards and two routers",
  layer: MongoServer.layerSharded({ shards: 2, members: 1, routers: 2, electionTimeout, args: noops })
}

/**
 * Broken variants: each does one thing wrong, and the check of its scenario must say so.
 */
import { assert, type Vitest } from "@effect/vitest"
import type { MongoServer, MongoTest } from "@mongofx/testing"
import { Effect, type Scope } from "effect"
import { type Arena, caught, within } from "./arena.ts"

/** What the check of a scenario says. */
type Problems<E> = (arena: Arena) => Effect.Effect<ReadonlyArray<string>, E, MongoTest.Services | Scope.Scope>

/** The two sides of a proof, as tests on the servers of a suite. */
export const provingOn = <R extends MongoServer.MongoServer>(it: Vitest.MethodsNonLive<R>) => ({
  /** A variant that does one thing wrong. Its name and what the check said are a row of the page. */
  broken: <E>(name: string, problems: Problems<E>, expected: RegExp) =>
    it.effect(
      name,
      (context) => within(context, (arena) => Effect.map(problems(arena), (found) => caught(context, found, expected)))
    ),
  /** The one that is right in the same place. */
  right: <E>(name: string, problems: Problems<E>) =>
    it.effect(
      name,
      (context) => within(context, (arena) => Effect.map(problems(arena), (found) => assert.deepStrictEqual(found, [])))
    )
})

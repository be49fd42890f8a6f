/** Sends the messages of the outbox: each one once, however many instances of the shop run and die. */
import { ChangeStreamConsumer, MongoClient, ResumeTokenStore } from "@mongofx/core"
import { MongoModel } from "@mongofx/schema"
import { Context, DateTime, Effect, Layer, Ref } from "effect"
import { type Message, Outbox } from "./models.ts"
import { Sale } from "./orders.ts"

/** A provider of mail. As such services do, it knows a message by its id, and does not send it again. */
export class Mail extends Context.Service<Mail>()("shop/Mail", {
  make: Effect.gen(function*() {
    const sent = yield* Ref.make<ReadonlyMap<string, Message>>(new Map())
    return {
      send: (message: Message) => Ref.update(sent, (all) => new Map(all).set(message._id.toHexString(), message)),
      sent: Effect.map(Ref.get(sent), (all) => [...all.values()])
    }
  })
}) {
  static readonly layer = Layer.effect(this, this.make)
}

const start = Effect.gen(function*() {
  const mongo = yield* MongoClient.MongoClient
  const mail = yield* Mail
  const sale = yield* Sale
  const messages = MongoModel.makeRepository(yield* Outbox)

  const send = Effect.fn("mail.send")(function*(message: Message) {
    yield* mail.send(message)
    yield* messages.patch(message._id, { sentAt: yield* DateTime.now })
    yield* sale.confirm(message.order)
  })

  return yield* ChangeStreamConsumer.make({
    name: "mail",
    watch: (position) => messages.collection.watch([{ $match: { operationType: "insert" } }], position),
    // An order that was placed before the first consumer ran.
    onFirstStart: Effect.flatMap(messages.find({ sentAt: null }), Effect.forEach((message) => send(message))),
    // The transaction confirms the order and saves the position. If the process dies before it commits, the provider gets the message again.
    handler: (event, checkpoint) =>
      event.operationType === "insert"
        ? mongo.withTransaction(Effect.andThen(send(event.fullDocument), checkpoint))
        : Effect.void
  })
})

export const layer = Layer.effectDiscard(start).pipe(Layer.provide(ResumeTokenStore.layerMongo()))

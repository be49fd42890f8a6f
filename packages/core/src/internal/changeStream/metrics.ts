import * as Metric from "effect/Metric"

/**
 * The metrics of a consumer, or of a part of it.
 *
 * @internal
 */
export const metricsOf = (consumer: string, part?: string) => {
  const attributes = {
    "mongofx.consumer.name": consumer,
    ...part === undefined ? {} : { "mongofx.consumer.part": part }
  }
  return {
    lag: Metric.gauge("mongofx.consumer.lag", {
      description: "How long before it was handled the last event had happened, in seconds",
      attributes
    }),
    checkpointAge: Metric.gauge("mongofx.consumer.checkpoint.age", {
      description: "How long ago the last checkpoint was when the last batch came, in seconds",
      attributes
    }),
    handled: Metric.counter("mongofx.consumer.events", { description: "Events that were handled", attributes }),
    deadLetters: Metric.counter("mongofx.consumer.dead_letters", {
      description: "Events that were given to the dead letter handler",
      attributes
    })
  }
}

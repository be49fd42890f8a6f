/** Counts what does not decode. What it keeps is bounded, however many documents and different problems there are. */
import type * as Audit from "../../MongoAudit.ts"

/** @internal */
export interface Bounds {
  /** The `_id`s to keep of each problem. */
  readonly examples: number
  /** The different places to keep. */
  readonly paths: number
  /** The different messages to keep of each place. */
  readonly messages: number
}

class Count {
  documents = 0
  readonly ids: Array<unknown> = []
  /** The document that was counted last: it counts once, though it has the problem in several elements. */
  private last = 0

  add(document: number, id: () => unknown, examples: number): void {
    if (this.last === document) return
    this.last = document
    this.documents++
    if (this.ids.length < examples) this.ids.push(id())
  }
}

class Place {
  readonly messages = new Map<string, Count>()
  readonly others = new Count()
}

const byCount = (a: Audit.Counted, b: Audit.Counted): number => b.documents - a.documents

const counted = ({ documents, ids }: Count): Audit.Counted => ({ documents, ids: [...ids] })

/** @internal */
export class Tally {
  documents = 0
  invalid = 0
  private readonly bounds: Bounds
  private readonly places = new Map<string, Place>()
  private readonly elsewhere = new Count()

  constructor(bounds: Bounds) {
    this.bounds = bounds
  }

  /** Counts one more document that does not decode. Asks for its `_id` if it is kept. */
  add(id: () => unknown, problems: ReadonlyArray<Pick<Audit.Problem, "path" | "message">>): void {
    this.invalid++
    for (const { message, path } of problems) this.count(path, message).add(this.invalid, id, this.bounds.examples)
  }

  private count(path: string, message: string): Count {
    let place = this.places.get(path)
    if (place === undefined) {
      if (this.places.size >= this.bounds.paths) return this.elsewhere
      this.places.set(path, place = new Place())
    }
    let count = place.messages.get(message)
    if (count === undefined) {
      if (place.messages.size >= this.bounds.messages) return place.others
      place.messages.set(message, count = new Count())
    }
    return count
  }

  /** The problems, those of the most documents first, and what the bounds have left out. */
  report(): Pick<Audit.Report, "documents" | "invalid" | "problems" | "folded"> {
    const problems: Array<Audit.Problem> = []
    const folded: Array<Audit.Folded> = []
    for (const [path, { messages, others }] of this.places) {
      for (const [message, count] of messages) problems.push({ path, message, ...counted(count) })
      if (others.documents > 0) folded.push({ path, ...counted(others) })
    }
    if (this.elsewhere.documents > 0) folded.push({ path: undefined, ...counted(this.elsewhere) })
    return {
      documents: this.documents,
      invalid: this.invalid,
      problems: problems.sort(byCount),
      folded: folded.sort(byCount)
    }
  }
}

/**
 * What reads through a client and is closed before it.
 *
 * @internal
 */
export interface Reader {
  /** Closes it because its client is closed: whoever still reads fails. Never rejects. */
  readonly shutDown: () => Promise<void>
}

/**
 * The open queries and sessions of one client. The driver, when it is closed, breaks the connections of its cursors and transactions and
 * forgets those whose first reply has not come; so they are closed while it is still there.
 *
 * @internal
 */
export class Readers {
  private readonly open = new Set<Reader>()
  /** Whether the client is closed or about to be. */
  closed = false

  add(reader: Reader): void {
    this.open.add(reader)
  }

  delete(reader: Reader): void {
    this.open.delete(reader)
  }

  /** Never rejects. */
  async shutDown(): Promise<void> {
    this.closed = true
    await Promise.all(Array.from(this.open, (reader) => reader.shutDown()))
  }
}

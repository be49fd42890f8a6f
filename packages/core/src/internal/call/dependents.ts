/**
 * What works through a client and is closed before it.
 */

/**
 * An open query or a session.
 *
 * @internal
 */
export interface Dependent {
  /** Closes it because its client is closed: whoever still reads fails. Never rejects. */
  readonly shutDown: () => Promise<void>
}

/**
 * The open queries and sessions of one client. The driver, when it is closed, breaks the connections of its cursors and transactions and
 * forgets those whose first reply has not come; so they are closed while it is still there.
 *
 * @internal
 */
export class Dependents {
  private readonly open = new Set<Dependent>()
  /** Whether the client is closed or about to be. */
  closed = false

  add(dependent: Dependent): void {
    this.open.add(dependent)
  }

  delete(dependent: Dependent): void {
    this.open.delete(dependent)
  }

  /** Never rejects. */
  async shutDown(): Promise<void> {
    this.closed = true
    await Promise.all(Array.from(this.open, (dependent) => dependent.shutDown()))
  }
}

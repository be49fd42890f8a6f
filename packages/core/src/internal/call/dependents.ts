/**
 * Queries and sessions that work through a client, and close before it.
 */

/**
 * An open query or a session.
 *
 * @internal
 */
export interface Dependent {
  /** Closes it because its client closes: later reads fail. Never rejects. */
  readonly shutDown: () => Promise<void>
}

/**
 * The open queries and sessions of one client. When the driver closes, it breaks the connections of its cursors and transactions, and
 * forgets those whose first reply has not come. So they close before it.
 *
 * @internal
 */
export class Dependents {
  private readonly open = new Set<Dependent>()
  /** Whether the client is closed or closing. */
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

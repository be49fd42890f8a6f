/**
 * The unpublished parts of the driver that mongofx uses, as types. Only modules of this folder use them. The test
 * `driverContract.test.ts` compares each member with the installed driver, and `docs/decisions.md` says what each is for.
 */

import type * as Driver from "mongodb"

/** @internal */
export interface ClientInside {
  /** Missing until the client connects. */
  readonly topology?: TopologyInside | undefined
  /** Missing if nothing is logged. */
  readonly mongoLogger?: { readonly willLog: (component: "command", severity: "debug") => boolean } | undefined
  /** The driver itself makes the session of one operation by it, with `explicit: false`, before it waits for anything. */
  startSession: (options?: Driver.ClientSessionOptions & { readonly explicit?: boolean }) => Driver.ClientSession
}

/** @internal */
export interface TopologyInside {
  readonly description: Driver.TopologyDescription
  readonly s?: { readonly servers?: ReadonlyMap<string, Member> | undefined } | undefined
  readonly selectServer: (
    selector: (topology: unknown, servers: ReadonlyArray<Driver.ServerDescription>) => Array<Driver.ServerDescription>,
    options: object
  ) => Promise<Member>
  readonly closeCheckedOutConnections: () => void
  readonly close: () => void
}

/**
 * The driver's own object for a server.
 *
 * @internal
 */
export interface Member {
  readonly description: Driver.ServerDescription
  /** Makes the driver check the server now instead of at the next heartbeat. */
  readonly requestCheck: () => void
}

/** @internal */
export interface SessionInside {
  /** A dirty session does not go back to the driver's pool. */
  readonly serverSession?: { isDirty: boolean } | null
  /** Whether its next command begins its transaction on the server. */
  readonly transaction?: { readonly isStarting: boolean }
}

/** @internal */
export type DeserializeOptions = Driver.BSON.DeserializeOptions & { readonly raw?: boolean }

/** @internal */
export interface CursorInside {
  /** Sends only the first command. */
  readonly cursorInit: () => Promise<void>
  getMore: () => Promise<unknown>
  /** Closes the cursor, and kills it on the server unless it has been killed. */
  cleanup: (timeout?: number, error?: unknown) => Promise<void>
  readonly cursorSession?: Driver.ClientSession | null
  /** Whether it has been killed on the server, or must not be killed any more. */
  isKilled: boolean
  readonly deserializationOptions?: DeserializeOptions | undefined
  /** The server that has the cursor, once the first reply has come. */
  readonly server?: Member | undefined
  readonly documents: ReplyInside | null
}

/**
 * The last reply to a cursor.
 *
 * @internal
 */
export interface ReplyInside {
  readonly postBatchResumeToken: Driver.ResumeToken | null
  readonly encryptedResponse?: object | undefined
  readonly isExplain?: boolean | undefined
  readonly iterated: number
  readonly clear: () => void
  /** The array of documents in the reply: where each begins, and how long it is. */
  readonly batch: {
    readonly bson: Uint8Array
    readonly elements: ReadonlyArray<
      readonly [type: number, nameOffset: number, nameLength: number, offset: number, length: number]
    >
  }
}

/** @internal */
export interface BulkInside {
  readonly s?: {
    /** The batches to send, in this order. */
    readonly batches: Array<Driver.Batch>
    readonly bulkResult: { readonly insertedIds: Array<{ readonly index: number; readonly _id: unknown }> }
    readonly maxBsonObjectSize: number
    readonly maxBatchSizeBytes: number
    readonly maxWriteBatchSize: number
    /** How many bytes the driver counts for the key of an operation, besides its own bytes. */
    readonly maxKeySize: number
    readonly checkKeys: boolean
    readonly usingAutoEncryption: boolean
  } | undefined
}

/** @internal */
export const insideClient = (client: Driver.MongoClient): ClientInside => client as unknown as ClientInside

/** @internal */
export const insideSession = (session: Driver.ClientSession): SessionInside => session as SessionInside

/** @internal */
export const insideCursor = (cursor: Driver.AbstractCursor): CursorInside => cursor as unknown as CursorInside

/** @internal */
export const insideBulk = (bulk: Driver.OrderedBulkOperation | Driver.UnorderedBulkOperation): BulkInside =>
  bulk as unknown as BulkInside

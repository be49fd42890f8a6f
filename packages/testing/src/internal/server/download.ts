/**
 * Downloads a mongod by mongodb-memory-server-core. Its own lock lets two processes that start at the same time write the same file, and it
 * removes a binary that another process is unpacking.
 */
import type * as Core from "mongodb-memory-server-core"
import { join } from "node:path"
import { withProcessLock } from "./processLock.ts"

/**
 * The path of a binary of a version, downloaded unless it is there.
 *
 * @internal
 */
export const downloadMongod = async (
  { DryMongoBinary, MongoBinary }: Pick<typeof Core, "DryMongoBinary" | "MongoBinary">,
  version: string,
  signal: AbortSignal
): Promise<string> => {
  const { downloadDir } = await DryMongoBinary.generateOptions({ version })
  return withProcessLock(join(downloadDir, "mongofx.lock"), signal, () => MongoBinary.getPath({ version }))
}

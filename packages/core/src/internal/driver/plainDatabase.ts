/**
 * The driver's databases as the settings of their client make them.
 */
import type * as Driver from "mongodb"

const last = new WeakMap<Driver.MongoClient, Driver.Db>()

/**
 * A database of the driver without settings of its own. The driver copies all options of the client for each one that it makes: ten to
 * twenty microseconds. So the last one is kept, since most services have one database.
 *
 * @internal
 */
export const plainDatabase = (driver: Driver.MongoClient, name: string): Driver.Db => {
  const known = last.get(driver)
  if (known?.databaseName === name) return known
  const made = driver.db(name)
  last.set(driver, made)
  return made
}

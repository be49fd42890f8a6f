import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as LogLevel from "effect/LogLevel"
import * as Tracer from "effect/Tracer"
import type * as Driver from "mongodb"
import type { LoggingOptions } from "../../MongoClientConfig.ts"
import { defined } from "../call/options.ts"
import { redactCause, redactCredentials, redactValues } from "../errors/redact.ts"

const driverLevels: Readonly<Record<LogLevel.LogLevel, Driver.SeverityLevel>> = {
  All: "trace",
  Trace: "trace",
  Debug: "debug",
  Info: "info",
  Warn: "warn",
  Error: "error",
  Fatal: "critical",
  None: "off"
}

const effectLevels: Readonly<Record<Driver.SeverityLevel, LogLevel.Severity>> = {
  trace: "Trace",
  debug: "Debug",
  info: "Info",
  notice: "Info",
  warn: "Warn",
  error: "Error",
  critical: "Fatal",
  alert: "Fatal",
  emergency: "Fatal",
  off: "Trace"
}

/** Fields with the text of a command or a reply. */
const documents = new Set(["command", "reply"])

const shown = (key: string, value: unknown, keepsDocuments: boolean, secrets: ReadonlyArray<string>): unknown => {
  if (value instanceof Error) return (redactCause(value, secrets) as Error).message
  if (typeof value !== "string") return value
  return redactCredentials(key === "failure" && !keepsDocuments ? redactValues(value) : value, secrets)
}

/**
 * The driver's options that send its log to the loggers of a context.
 *
 * @internal
 */
export const toLogOptions = (
  logging: LoggingOptions,
  context: Context.Context<never>,
  secrets: ReadonlyArray<string>
): Driver.MongoClientOptions => {
  // The span that makes the client has ended by the time of most entries.
  const runSync = Effect.runSyncExitWith(Context.omit(Tracer.ParentSpan)(context))
  const keepsDocuments = logging.documents !== undefined && logging.documents !== false
  const severities: Record<string, Driver.SeverityLevel> = { default: driverLevels[logging.level ?? "Info"] }
  for (const [component, level] of Object.entries(defined(logging.components) ?? {})) {
    severities[component] = driverLevels[level as LogLevel.LogLevel]
  }
  const write = ({ c: component, message, s: severity, t: _, ...fields }: Driver.Log): void => {
    const annotations: Record<string, unknown> = { "mongodb.component": component }
    for (const [key, value] of Object.entries(fields)) {
      if (value === undefined || !keepsDocuments && documents.has(key)) continue
      annotations[`mongodb.${key}`] = shown(key, value, keepsDocuments, secrets)
    }
    // A logger that fails must not end the driver's log: its error stays in the Exit.
    runSync(Effect.annotateLogs(
      Effect.logWithLevel(effectLevels[severity])(redactCredentials(message ?? component, secrets)),
      annotations
    ))
  }
  return {
    mongodbLogPath: { write },
    mongodbLogComponentSeverities: severities,
    ...(typeof logging.documents === "object" ? { mongodbLogMaxDocumentLength: logging.documents.maxLength } : {})
  }
}

/**
 * What the environment says of a run beside the settings of all scenarios.
 */
import { seconds } from "chaos-support/settings"

/** How many elements go through the queue. */
export const elements = Number(process.env["CHAOS_ELEMENTS"] ?? seconds * 50)

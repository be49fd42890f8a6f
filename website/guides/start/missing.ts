// The first program on a machine where nothing listens at the address.
process.env["MONGODB_URI"] = "mongodb://127.0.0.1:1"
await import("./main.ts")

/**
 * A schema of 60 fields, five levels deep.
 *
 * @since 0.1.0
 */
import { Bson } from "@mongofx/schema"
import { Schema } from "effect"

export const Wide = Schema.Struct({
  f1: Schema.Int,
  f2: Bson.Date,
  f3: Schema.Array(Schema.String),
  f4: Schema.optionalKey(Schema.String),
  f5: Schema.NullOr(Schema.Number),
  f6: Schema.String,
  f7: Schema.Int,
  f8: Bson.Date,
  f9: Schema.Array(Schema.String),
  f10: Schema.optionalKey(Schema.String),
  level1: Schema.Struct({
    f11: Schema.NullOr(Schema.Number),
    f12: Schema.String,
    f13: Schema.Int,
    f14: Bson.Date,
    f15: Schema.Array(Schema.String),
    f16: Schema.optionalKey(Schema.String),
    f17: Schema.NullOr(Schema.Number),
    f18: Schema.String,
    f19: Schema.Int,
    f20: Bson.Date,
    level2: Schema.Struct({
      f21: Schema.Array(Schema.String),
      f22: Schema.optionalKey(Schema.String),
      f23: Schema.NullOr(Schema.Number),
      f24: Schema.String,
      f25: Schema.Int,
      f26: Bson.Date,
      f27: Schema.Array(Schema.String),
      f28: Schema.optionalKey(Schema.String),
      f29: Schema.NullOr(Schema.Number),
      f30: Schema.String,
      level3: Schema.Struct({
        f31: Schema.Int,
        f32: Bson.Date,
        f33: Schema.Array(Schema.String),
        f34: Schema.optionalKey(Schema.String),
        f35: Schema.NullOr(Schema.Number),
        f36: Schema.String,
        f37: Schema.Int,
        f38: Bson.Date,
        f39: Schema.Array(Schema.String),
        f40: Schema.optionalKey(Schema.String),
        level4: Schema.Struct({
          f41: Schema.NullOr(Schema.Number),
          f42: Schema.String,
          f43: Schema.Int,
          f44: Bson.Date,
          f45: Schema.Array(Schema.String),
          f46: Schema.optionalKey(Schema.String),
          f47: Schema.NullOr(Schema.Number),
          f48: Schema.String,
          f49: Schema.Int,
          f50: Bson.Date
        })
      })
    })
  }),
  rows: Schema.Array(Schema.Struct({
    f51: Schema.Array(Schema.String),
    f52: Schema.optionalKey(Schema.String),
    f53: Schema.NullOr(Schema.Number),
    f54: Schema.String,
    f55: Schema.Int,
    f56: Bson.Date,
    f57: Schema.Array(Schema.String),
    f58: Schema.optionalKey(Schema.String),
    f59: Schema.NullOr(Schema.Number),
    f60: Schema.String
  }))
})

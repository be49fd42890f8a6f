/**
 * A pipeline of 12 different stages over 40 fields. `test/unit/typeBudget.test.ts` counts its cost to the compiler.
 *
 * @since 0.1.0
 */
import { Acc, customers, Expr, orders, Pipeline } from "./pipelineSchema.ts"

export const report = orders.pipe(
  Pipeline.match({ status: { $in: ["paid", "sent"] }, placed: { $gte: new Date(0) }, "billing.city": "Bonn" }),
  Pipeline.set(($) => ({
    goods: Expr.map($.lines, (line) => Expr.multiply(line.price, line.quantity)),
    city: Expr.ifNull($.shipping.city, $.billing.city)
  })),
  Pipeline.unset("s1", "s2", "r1"),
  Pipeline.lookup({
    from: customers,
    localField: "customer",
    foreignField: "_id",
    as: "buyer",
    pipeline: (customers) => customers.pipe(Pipeline.match({ vip: true }), Pipeline.project({ name: 1 }))
  }),
  Pipeline.unwind("buyer"),
  Pipeline.unwind("lines", { includeArrayIndex: "at" }),
  Pipeline.group(($) => ({ city: $.city, sku: $.lines.sku }), ($) => ({
    revenue: Acc.sum(Expr.multiply($.lines.price, $.lines.quantity)),
    orders: Acc.count,
    latest: Acc.max($.placed),
    buyers: Acc.addToSet($.buyer.name),
    cents: Acc.sum($.i1)
  })),
  Pipeline.match({ orders: { $lte: 3 } }),
  Pipeline.sort({ "_id.city": 1, revenue: 1 }),
  Pipeline.skip(0),
  Pipeline.limit(100),
  Pipeline.select(($) => ({
    city: $._id.city,
    sku: $._id.sku,
    revenue: $.revenue,
    share: Expr.multiply($.revenue, 0.01),
    latest: $.latest,
    buyers: $.buyers
  }))
)

/** Metrics in Prometheus' text format, kept in a registry of their own: nothing global, nothing sent anywhere. */
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client'
import type { Metrics } from '../base/metrics.ts'

export interface MetricsRegistry extends Metrics {
  readonly contentType: string
  text(): Promise<string>
}

export function createMetrics(): MetricsRegistry {
  const registry = new Registry()
  // The default of 10 ms wakes an idle daemon a hundred times a second; delays are shown with this much added.
  collectDefaultMetrics({ register: registry, prefix: 'plexi_', eventLoopMonitoringPrecision: 50 })
  const counters = new Map<string, Counter>()
  const gauges = new Map<string, Gauge>()
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    counter(name, help) {
      const counter = counters.get(name) ?? new Counter({ name, help, registers: [registry] })
      counters.set(name, counter)
      return { add: (value = 1) => counter.inc(value) }
    },
    gauge(name, help) {
      const gauge = gauges.get(name) ?? new Gauge({ name, help, registers: [registry] })
      gauges.set(name, gauge)
      return { set: (value) => gauge.set(value) }
    },
  }
}

/** Metrics as a port: names carry `plexi_`, a unit and `_total` for counters. Registering a name twice gives the same metric. */
export interface Metrics {
  counter(name: string, help: string): { add(value?: number): void }
  gauge(name: string, help: string): { set(value: number): void }
}

export const noMetrics: Metrics = { counter: () => ({ add() {} }), gauge: () => ({ set() {} }) }

/** Things that start and stop. Services start in the order given and stop in reverse, all of them, whatever fails. */
export interface Service {
  start(): Promise<void>
  /** May be called once after `start`, also when `start` failed half-way. Must end. */
  stop(): Promise<void>
}

export async function startAll(services: readonly Service[]): Promise<void> {
  const started: Service[] = []
  try {
    for (const service of services) {
      started.push(service)
      await service.start()
    }
  } catch (error) {
    await stopAll(started)
    throw error
  }
}

/** Stops in reverse order; errors of single services do not keep the others running, the first one is thrown at the end. */
export async function stopAll(services: readonly Service[]): Promise<void> {
  const errors: unknown[] = []
  for (const service of services.toReversed()) {
    try {
      await service.stop()
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length > 0) throw errors[0] as Error
}

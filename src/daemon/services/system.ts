/** The daemon itself over the API: health, status, who it is, and its end. */
import type { NodeInfo, Ready, Status, SystemService } from '../../api/index.ts'
import { isoTime } from '../../base/clock.ts'
import { vaultText } from '../../crypto/ids.ts'
import type { Device } from '../identity/device.ts'
import type { MetricsRegistry } from '../metrics.ts'
import type { StatusService } from '../status/status-service.ts'

export interface SystemDeps {
  readonly device: Device
  readonly status: StatusService
  readonly metrics: MetricsRegistry
  readonly version: string
  readonly home: string
  /** Milliseconds since 1970. */
  readonly started: number
  readonly name: () => string
  readonly circle: () => string
  readonly addresses: () => readonly string[]
  /** Base address of the API. */
  readonly api: () => string
  readonly shutdown: (reason: string) => void
}

export class DaemonSystem implements SystemService {
  readonly #deps: SystemDeps

  constructor(deps: SystemDeps) {
    this.#deps = deps
  }

  /** The API starts after every other part: who can ask gets yes. */
  async ready(): Promise<Ready> {
    return { ok: true, checks: { keystore: true, catalogue: true, network: true, jobs: true } }
  }

  metrics(): Promise<string> {
    return this.#deps.metrics.text()
  }

  async status(): Promise<Status> {
    return this.#deps.status.status()
  }

  async node(): Promise<NodeInfo> {
    const { device, version, home, started, name, circle, addresses, api } = this.#deps
    return {
      ...{ version, home },
      pid: process.pid,
      peerId: device.certificate.peer,
      vault: vaultText(device.keys.vault),
      name: name(),
      circle: circle(),
      started: isoTime(started),
      addresses: [...addresses()],
      api: api(),
    }
  }

  shutdown(reason: string): void {
    this.#deps.shutdown(reason)
  }
}

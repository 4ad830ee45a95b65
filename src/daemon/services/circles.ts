/** Invites, circles and the state of the network over the API. Which circle the node is in is a setting. */
import type {
  Circle,
  CircleService,
  Invite,
  InviteRequest,
  Joined,
  Network,
  NetworkCheck,
  NewInvite,
} from '../../api/index.ts'
import { isoTime } from '../../base/clock.ts'
import { vaultText } from '../../crypto/ids.ts'
import { MAIN_CIRCLE, type OpenInvite, type PlexiNode } from '../../node/index.ts'
import type * as node from '../../node/index.ts'
import type { LiveSettings } from '../live-settings.ts'

export interface CirclesDeps {
  readonly node: PlexiNode
  readonly settings: LiveSettings
  readonly changed: () => void
}

const CIRCLE_SETTING = 'network.circle'

export class Circles implements CircleService {
  readonly #deps: CirclesDeps

  constructor(deps: CirclesDeps) {
    this.#deps = deps
  }

  invites(): Invite[] {
    return this.#deps.node.membership.invites().map(apiInvite)
  }

  async invite(request: InviteRequest): Promise<NewInvite> {
    const { code, addresses, warnings, ...open } = this.#deps.node.membership.invite(request)
    return { ...apiInvite(open), code, addresses: [...addresses], warnings: [...warnings] }
  }

  async join(code: string, signal: AbortSignal): Promise<Joined> {
    const { circle, peer, vault, name, restart } = await this.#deps.node.membership.join(code, signal)
    if (restart) await this.#deps.settings.change({ [CIRCLE_SETTING]: circle })
    this.#deps.changed()
    return { circle, peer, vault: vaultText(vault), name: name === '' ? null : name, restart }
  }

  list(): Circle[] {
    const known = this.#deps.node.circles.list().map((circle) => this.#circle(circle))
    if (known.some(({ circle }) => circle === MAIN_CIRCLE)) return known
    return [this.#circle({ id: MAIN_CIRCLE, name: '' }), ...known]
  }

  async create(request: { name?: string; withKey: boolean }): Promise<Circle> {
    const { name, withKey: closed } = request
    const circle = this.#deps.node.circles.create({ closed, ...(name === undefined ? {} : { name }) })
    await this.#deps.settings.change({ [CIRCLE_SETTING]: circle.id })
    return this.#circle(circle)
  }

  async leave(): Promise<Circle> {
    await this.#deps.settings.change({ [CIRCLE_SETTING]: null })
    return this.#circle(this.#deps.node.circles.get(MAIN_CIRCLE) ?? { id: MAIN_CIRCLE, name: '' })
  }

  async network(): Promise<Network> {
    const status = this.#deps.node.net.status()
    return {
      ...status,
      peer: this.#deps.node.peer,
      listen: [...status.listen],
      addresses: [...status.addresses],
      bootstrap: [...status.bootstrap],
    }
  }

  async check(): Promise<NetworkCheck> {
    const checks = this.#deps.node.net.check().map(({ remedy, ...check }) => ({ ...check, remedy: remedy ?? null }))
    return { ok: checks.every(({ ok }) => ok), checks }
  }

  #circle(circle: Pick<node.Circle, 'id' | 'name' | 'key'>): Circle {
    const running = this.#deps.node.net.status().circle
    const chosen = this.#deps.settings.values.network.circle
    return {
      circle: circle.id,
      name: circle.name === '' ? null : circle.name,
      current: circle.id === running,
      private: circle.key !== undefined || circle.id !== MAIN_CIRCLE,
      peers: circle.id === running ? this.#deps.node.peers.list().filter(({ online }) => online).length : 0,
      restart: (circle.id === chosen) !== (circle.id === running),
    }
  }
}

function apiInvite({ id, uses, used, created, expires }: OpenInvite): Invite {
  return { id, uses, used, created: isoTime(created), expires: isoTime(expires) }
}

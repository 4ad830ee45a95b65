/** Who is told, over the API. */
import { isAbsolute } from 'node:path'
import type {
  NewWebhook,
  NotificationRequest,
  NotificationService,
  Target,
  TargetTest,
  WebhookRequest,
} from '../../api/index.ts'
import { toBase64Url } from '../../base/bytes.ts'
import { isoTime, type Clock } from '../../base/clock.ts'
import { PlexiError } from '../../base/errors.ts'
import type { Random } from '../../base/random.ts'
import type { Notifier } from '../notify/notifier.ts'
import { notifyDefaults } from '../notify/options.ts'
import type { TargetRow, TargetStore } from '../notify/target-store.ts'
import { shownUrl, webhookUrl } from '../notify/webhook.ts'

export interface NotificationDeskDeps {
  readonly targets: TargetStore
  readonly notifier: Pick<Notifier, 'test'>
  readonly clock: Clock
  readonly random: Random
}

const SECRET_BYTES = 32

export class NotificationDesk implements NotificationService {
  readonly #deps: NotificationDeskDeps

  constructor(deps: NotificationDeskDeps) {
    this.#deps = deps
  }

  list(): Target[] {
    return this.#deps.targets.list().map((row) => this.#view(row))
  }

  async addWebhook({ name, url, secret, wants }: WebhookRequest): Promise<NewWebhook> {
    const own = secret ?? toBase64Url(this.#deps.random.bytes(SECRET_BYTES))
    const row = this.#add({ name, kind: 'webhook', address: webhookUrl(url).href, secret: own, wants })
    return { ...this.#view(row), secret: own }
  }

  async addCommand({ name, command, wants }: NotificationRequest): Promise<Target> {
    if (!isAbsolute(command[0] ?? ''))
      throw new PlexiError('VALIDATION_USAGE', { reason: 'name the program by its absolute path' })
    return this.#view(this.#add({ name, kind: 'command', address: JSON.stringify(command), secret: '', wants }))
  }

  async remove(name: string): Promise<void> {
    this.#deps.targets.remove(this.#deps.targets.get(name).name)
  }

  test(name: string, signal: AbortSignal): Promise<TargetTest> {
    return this.#deps.notifier.test(name, signal)
  }

  #add(row: Pick<TargetRow, 'name' | 'kind' | 'address' | 'secret' | 'wants'>): TargetRow {
    const { targets, clock } = this.#deps
    const limit = notifyDefaults.maxTargets
    if (targets.list().length >= limit)
      throw new PlexiError('VALIDATION_LIMIT', { what: 'the number of notification targets', limit })
    return targets.add({ ...row, created: clock.now() })
  }

  #view({ name, kind, address, wants, created, delivered, error }: TargetRow): Target {
    return {
      ...{ name, kind, wants },
      // What follows the program may be a secret too.
      address: kind === 'webhook' ? shownUrl(address) : ((JSON.parse(address) as string[])[0] ?? ''),
      created: isoTime(created),
      waiting: this.#deps.targets.waiting(name),
      lastDelivered: delivered === null ? null : isoTime(delivered),
      lastError: error,
    }
  }
}

/**
 * Preloaded into every test (.taprc).
 * Programs and threads that tests start run as users run them: tap would put a loader into NODE_OPTIONS to learn which
 * files programs read; it slows them down and cannot load those without an extension. And threads would load tap anew.
 * And no async hooks: tap's domains hook every promise of a test to know whose late error it is, which doubles the cost
 * of code that awaits much. Each of our files is a process of its own: an error nobody caught fails that file.
 */
import asyncHooks from 'node:async_hooks'
import { createRequire, syncBuiltinESMExports } from 'node:module'
import threads from 'node:worker_threads'

threads.Worker = class extends threads.Worker {
  constructor(file, options) {
    super(file, { execArgv: [], ...options })
  }
}
asyncHooks.createHook = () => ({ enable: () => undefined, disable: () => undefined })
syncBuiltinESMExports()

delete process.env.NODE_OPTIONS
const ofTap = createRequire(import.meta.resolve('tap'))
const spawning = createRequire(ofTap.resolve('@tapjs/processinfo'))('process-on-spawn')
spawning.removeAllListeners()
spawning.addListener = () => {}

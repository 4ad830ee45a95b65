/**
 * Preloaded into every test (.taprc): programs that tests start run as users run them. tap would put a loader into
 * their NODE_OPTIONS to learn which files they read; it slows them down and cannot load programs without an extension.
 */
import { createRequire } from 'node:module'

delete process.env.NODE_OPTIONS
const ofTap = createRequire(import.meta.resolve('tap'))
const spawning = createRequire(ofTap.resolve('@tapjs/processinfo'))('process-on-spawn')
spawning.removeAllListeners()
spawning.addListener = () => {}

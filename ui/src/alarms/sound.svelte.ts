/** The sound of new alarms: off until a person turns it on in this browser. */

const KEY = 'alarm-sound'
const TONE_S = 0.18
const VOLUME = 0.2
/** Pitch by priority, in Hz: the more urgent, the higher. */
const PITCH_HZ: Record<number, number> = { 1: 988, 2: 740, 3: 587, 4: 587 }
/** Tones by priority. */
const TONES: Record<number, number> = { 1: 3, 2: 2, 3: 1, 4: 1 }

class Sound {
  isOn = $state(localStorage.getItem(KEY) === 'on')
  #context: AudioContext | undefined

  constructor() {
    // A browser starts sound only after a click or a key press on the page.
    if (this.isOn) addEventListener('pointerdown', () => this.#open(), { once: true })
  }

  toggle(): void {
    this.isOn = !this.isOn
    localStorage.setItem(KEY, this.isOn ? 'on' : 'off')
    if (this.isOn) this.play(2)
  }

  /** Tones for a new alarm of a priority. */
  play(priority: number): void {
    if (!this.isOn) return
    const context = this.#open()
    for (let nth = 0; nth < (TONES[priority] ?? 0); nth += 1) {
      this.#tone(context, PITCH_HZ[priority] ?? 740, context.currentTime + nth * 2 * TONE_S)
    }
  }

  #open(): AudioContext {
    this.#context ??= new AudioContext()
    if (this.#context.state === 'suspended') void this.#context.resume()
    return this.#context
  }

  #tone(context: AudioContext, pitch_hz: number, at_s: number): void {
    const oscillator = context.createOscillator()
    const gain = context.createGain()
    oscillator.frequency.value = pitch_hz
    gain.gain.setValueAtTime(VOLUME, at_s)
    gain.gain.exponentialRampToValueAtTime(0.001, at_s + TONE_S)
    oscillator.connect(gain).connect(context.destination)
    oscillator.start(at_s)
    oscillator.stop(at_s + TONE_S)
  }
}

export const sound = new Sound()

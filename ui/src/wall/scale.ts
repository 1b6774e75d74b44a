/** Sizes of letters that are read from a distance. */

/** The height of capital letters in relation to the font size of Inter. */
const CAP_OF_FONT = 0.72
/** Letter height in mm for each metre of distance: 1/200 of the distance, some 17 arc minutes. */
const CAP_MM_PER_M = 5
const MM_PER_INCH = 25.4
export interface Calibration {
  /** The diagonal of the screen. */
  diagonal_in: number
  distance_m: number
}

export interface ScreenSize {
  width_px: number
  height_px: number
}

/** The font size in CSS pixels that is readable from the distance. */
export function fontSize_px(
  { diagonal_in, distance_m }: Calibration,
  { width_px, height_px }: ScreenSize,
): number {
  const pitch_mm = (diagonal_in * MM_PER_INCH) / Math.hypot(width_px, height_px)
  return (distance_m * CAP_MM_PER_M) / pitch_mm / CAP_OF_FONT
}

/** Numbers that a person can mean; anything else is null. */
export function parseCalibration(
  diagonal: string | null,
  distance: string | null,
): Calibration | null {
  const [diagonal_in, distance_m] = [Number(diagonal), Number(distance)]
  const isPlausible =
    diagonal_in >= 5 && diagonal_in <= 300 && distance_m >= 0.3 && distance_m <= 100
  return isPlausible ? { diagonal_in, distance_m } : null
}

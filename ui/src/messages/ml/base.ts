/** Malayalam texts that are loaded before any page. */
import { texts as frame } from './frame'
import { texts as palette } from './palette'
import { texts as plant } from './plant'

export const texts = { ...frame, ...palette, ...plant }

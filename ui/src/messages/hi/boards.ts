/** Hindi texts of boards for walls and for operators. */
import type { Texts } from '../../kit/i18n'
import type { texts as english } from '../en/boards'

export const texts: Texts<typeof english> = {
  'boards.wall': 'दीवार के लिए',
  'boards.wall.note': 'दूर से पढ़ने के लिए, बिना नियंत्रण',
  'boards.calibrate': 'इस स्क्रीन का आकार और दूरी',
  'boards.operator': 'ऑपरेटर के लिए',
  'boards.operator.note': 'दस्तानों के लिए लक्ष्य',
  'boards.roles': 'अन्य भूमिकाएँ',
  'boards.supervisor': 'शिफ्ट सुपरवाइज़र: अभी',
  'boards.manager': 'संयंत्र प्रबंधक: सात दिन की गुणवत्ता',
  'boards.engineer': 'डेटा इंजीनियर: डेटा',
  'wall.behind': 'पीछे {count}',
  'wall.on_plan': 'योजना पर {count}',
  'wall.no_plan': 'कोई योजना नहीं',
  'wall.made': '{made} / {planned}',
  'wall.landing': 'अनुमानित',
  'wall.running': '{all} में से {count} उत्पादन में',
  'wall.state': '{since} से {state}',
  'wall.state.none': 'कोई मशीन घटना नहीं',
  'wall.state.label': 'स्थिति',
  'wall.loss': 'ठहराव',
  'wall.loss.value': '{reason}, {minutes} min',
  'wall.inch': 'स्क्रीन का विकर्ण इंच में',
  'wall.metres': 'पाठक की दूरी मीटर में',
  'wall.save': 'ये उपयोग करें',
  'wall.invalid': '5 से 300 इंच और 0.3 से 100 मीटर अपेक्षित।',
  'operator.since': '{at} से',
  'operator.hour': 'घंटा {hour}',
}

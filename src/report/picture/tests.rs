use super::*;

fn all_shapes() -> Picture {
    let mut picture = Picture::new((200.0, 100.0), "T <&\">".into(), "D".into());
    picture.rect((0.0, 0.0), (200.0, 100.0), Ink::Paper);
    picture.line(vec![(0.0, 0.0), (200.0, 100.0)], Ink::Observed, 1.5);
    picture.dashes((0.0, 50.0), (60.0, 50.0), Ink::Threshold, 1.0);
    let marks = [Mark::Circle, Mark::Diamond, Mark::Triangle, Mark::Cross];
    for (idx, mark) in marks.into_iter().enumerate() {
        picture.mark((20.0 * idx as f64 + 20.0, 20.0), mark, Ink::High, 5.0);
    }
    picture.text((10.0, 80.0), "<script>&\"'</script> ש😀", (12.0, Ink::Text, Anchor::Start));
    picture.hover((20.0, 20.0), "a <b> & \"c\"".into());
    picture
}

#[test]
fn texts_are_escaped_wherever_they_stand() {
    let svg = all_shapes().svg().unwrap();
    assert!(!svg.contains("<script") && !svg.contains("<b>"), "{svg}");
    assert!(svg.contains("&lt;script&gt;&amp;&quot;&apos;&lt;/script&gt; ש😀"));
    assert!(svg.contains("<title>a &lt;b&gt; &amp; &quot;c&quot;</title>"));
    assert!(svg.contains(r#"<title id="chart-title">T &lt;&amp;&quot;&gt;</title>"#));
}

/// A line, a mark and a dashed line, each of its own part.
fn closely() -> Picture {
    let mut picture = Picture::new((200.0, 100.0), "T".into(), "D".into());
    picture.rect((0.0, 0.0), (200.0, 100.0), Ink::Paper);
    picture.part(Part::Curve { panel: 0, fit: Fit::Whole });
    picture.line(vec![(0.0, 0.0), (200.0, 99.9999)], Ink::Observed, 1.5);
    picture.part(Part::Span { panel: Some(0), from: 10.0, to: 60.0 });
    picture.dashes((7.0, 50.0), (63.0, 50.0), Ink::Threshold, 1.0);
    picture.part(Part::Point { panel: None, at: (20.123, 30.0) });
    picture.mark((20.123, 30.0), Mark::Circle, Ink::High, 5.0);
    picture.hover((20.123, 30.0), "told".into());
    picture.part(Part::Still);
    picture.text((10.0, 80.0), "still", (12.0, Ink::Text, Anchor::Start));
    picture.zoom = Some(Zoom {
        times: (0.0, 86_400_000_000.0),
        at: (10.0, 190.0),
        plot: (4.0, 196.0),
        least: 5e6,
        row: 1e6,
        what: "flag",
        times_drawn: 1,
        panels: vec![Panel {
            y: (5.0, 95.0),
            values: (0.25, 1e-7),
            is_log: false,
            has_floor: true,
            n_ticks: 4,
        }],
    });
    picture
}

#[test]
fn a_chart_of_a_page_says_what_moves_how_when_a_span_is_shown() {
    let page = closely().inline("a").unwrap().into_string();
    for part in [
        // The last of ten thousand in a pixel is not lost.
        r#"<g clip-path="url(#a-panel-0)"><g data-curve="0" data-fit="Whole" transform="scale(0.001)">"#,
        r#"points="0,0 2000000,999999 ""#,
        r#"<g data-span="100 600" data-panel="0" clip-path="url(#a-panel-0)" stroke-dasharray="39 21">"#,
        r#"<g data-point="201.23 300"><circle"#,
        r#"<circle class="told" cx="201.23" cy="300""#,
        r#"<clipPath id="a-panel-0"><rect x="40" y="40" width="1920" height="920"></rect></clipPath>"#,
        r#"data-zoom="{&quot;times&quot;:[0,86400000],&quot;at&quot;:[100,1900],&quot;plot&quot;:[40,1960],&quot;least&quot;:5000,&quot;row&quot;:1000,&quot;what&quot;:&quot;flag&quot;,&quot;drawn&quot;:1,&quot;panels&quot;:[{&quot;y&quot;:[50,950],&quot;values&quot;:[0.25,0.0000001],&quot;log&quot;:false,&quot;floor&quot;:true,&quot;ticks&quot;:4}]}""#,
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    // Text that stays stands in no group.
    assert!(page.contains("</g><text"), "{page}");
    // A document has no script that could read it.
    assert!(!closely().svg().unwrap().contains("data-zoom"));
}

#[test]
fn the_same_shapes_give_the_same_bytes() {
    assert_eq!(all_shapes().svg(), all_shapes().svg());
    assert_eq!(all_shapes().png(), all_shapes().png());
}

#[test]
fn every_ink_has_colours_of_its_own_and_its_dark_one_is_in_the_style() {
    let mut lights: Vec<_> = Ink::ALL.iter().map(|ink| ink.light()).collect();
    lights.sort_unstable();
    lights.dedup();
    assert_eq!(lights.len(), Ink::ALL.len());
    for ink in Ink::ALL {
        let [r, g, b] = ink.dark();
        assert!(DARK_STYLE.contains(&format!("#{r:02X}{g:02X}{b:02X}")), "{ink:?}");
    }
}

/// Relative luminance and contrast as WCAG 2.2 defines them.
fn contrast(a: [u8; 3], b: [u8; 3]) -> f64 {
    let luminance = |colour: [u8; 3]| {
        let [r, g, b] = colour.map(|byte| {
            let share = f64::from(byte) / 255.0;
            if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * r + 0.7152 * g + 0.0722 * b
    };
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn marks_and_lines_stand_out_from_the_paper_three_to_one_and_texts_four_and_a_half() {
    for (ink, least) in Ink::ALL.iter().filter_map(|ink| match ink {
        Ink::Paper | Ink::Grid | Ink::Band | Ink::Event => None,
        Ink::Text | Ink::Muted => Some((ink, 4.5)),
        Ink::Axis => Some((ink, 2.9)),
        _ => Some((ink, 3.0)),
    }) {
        let light = contrast(ink.light(), Ink::Paper.light());
        let dark = contrast(ink.dark(), Ink::Paper.dark());
        assert!(light >= least && dark >= least, "{ink:?}: {light:.2} and {dark:.2}");
    }
}

#[test]
fn a_png_unpacks_to_as_many_pixels_as_its_header_says() {
    let bytes = all_shapes().png().unwrap();
    assert_eq!(bytes[..8], *b"\x89PNG\r\n\x1a\n");
    let word = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let (width, height) = (word(16), word(20));
    assert_eq!((width, height), (400, 200));
    let mut at = 8;
    let mut pixels = Vec::new();
    while at < bytes.len() {
        let (length, kind) = (word(at), &bytes[at + 4..at + 8]);
        let content = &bytes[at + 8..at + 8 + length];
        let mut sum = flate2::Crc::new();
        sum.update(kind);
        sum.update(content);
        assert_eq!(sum.sum() as usize, word(at + 8 + length));
        if kind == b"IDAT" {
            std::io::Read::read_to_end(&mut flate2::read::ZlibDecoder::new(content), &mut pixels)
                .unwrap();
        }
        at += 12 + length;
    }
    assert_eq!(pixels.len(), height * (1 + 3 * width));
    // The middle of the first mark, and a corner of paper.
    let pixel = |x: usize, y: usize| {
        let at = y * (1 + 3 * width) + 1 + 3 * x;
        [pixels[at], pixels[at + 1], pixels[at + 2]]
    };
    assert_eq!(pixel(40, 40), Ink::High.light());
    assert_eq!(pixel(398, 4), Ink::Paper.light());
}

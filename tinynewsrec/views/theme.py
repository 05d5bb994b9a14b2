"""How the app looks: a newspaper page by day, the same page by lamp light."""

import gradio as gr
from gradio.themes.utils.colors import Color
from gradio.themes.utils.fonts import LocalFont

INK = Color(
    "#eef4fa",
    "#d9e6f2",
    "#b5cde4",
    "#86add0",
    "#5789b8",
    "#2f6a9f",
    "#1f5587",
    "#1a466f",
    "#173b5c",
    "#14324d",
    "#0d2236",
)
PAPER = Color(
    "#faf9f6",
    "#f3f1ec",
    "#e5e2da",
    "#d2cec4",
    "#a8a399",
    "#77726a",
    "#5b5750",
    "#45423d",
    "#2b2a28",
    "#1d1d1c",
    "#141413",
)


class Newsprint(gr.themes.Base):
    """Fonts of Gradio and of the machine alone: nothing is fetched."""

    def __init__(self) -> None:
        super().__init__(
            primary_hue=INK,
            secondary_hue=INK,
            neutral_hue=PAPER,
            radius_size=gr.themes.sizes.radius_sm,
            text_size=gr.themes.sizes.text_md,
            font=(
                LocalFont("Source Sans Pro", weights=(400, 700)),
                "ui-sans-serif",
                "system-ui",
                "sans-serif",
            ),
            font_mono=("ui-monospace", "Consolas", "monospace"),
        )
        self.name = "newsprint"
        self.set(
            body_background_fill="*neutral_50",
            body_background_fill_dark="*neutral_950",
            body_text_color="*neutral_900",
            body_text_color_dark="*neutral_100",
            body_text_color_subdued="*neutral_600",
            body_text_color_subdued_dark="*neutral_400",
            block_background_fill="white",
            block_background_fill_dark="*neutral_900",
            block_label_text_color="*neutral_600",
            block_label_text_color_dark="*neutral_300",
            block_title_text_color="*neutral_700",
            block_title_text_color_dark="*neutral_200",
            block_info_text_color="*neutral_600",
            block_info_text_color_dark="*neutral_400",
            border_color_primary="*neutral_200",
            border_color_primary_dark="*neutral_700",
            input_border_width="1px",
            input_border_color="*neutral_300",
            input_border_color_dark="*neutral_600",
            button_border_width="1px",
            input_background_fill="white",
            input_background_fill_dark="*neutral_800",
            input_placeholder_color="*neutral_500",
            input_placeholder_color_dark="*neutral_400",
            button_primary_background_fill="*primary_600",
            button_primary_background_fill_hover="*primary_700",
            button_primary_background_fill_dark="*primary_600",
            button_primary_background_fill_hover_dark="*primary_500",
            button_primary_text_color="white",
            button_secondary_background_fill="white",
            button_secondary_background_fill_hover="*neutral_100",
            button_secondary_background_fill_dark="*neutral_800",
            button_secondary_background_fill_hover_dark="*neutral_700",
            button_secondary_border_color="*neutral_300",
            button_secondary_border_color_dark="*neutral_600",
            button_secondary_text_color="*neutral_900",
            button_secondary_text_color_dark="*neutral_100",
            checkbox_label_background_fill_selected="*primary_600",
            checkbox_label_background_fill_selected_dark="*primary_600",
            checkbox_label_text_color_selected="white",
        )

"""Word lists and the recipes that turn them into artists, titles, albums, shows and listener handles.

All names are invented; listeners are handles, never names of people.
"""

from random import Random


def words(text: str) -> tuple[str, ...]:
    """The words of a text: lists of names are read more easily without their quotes."""
    return tuple(text.split())


ADJECTIVES = words(
    "Amber Ashen Bitter Blind Borrowed Broken Burning Careless Copper Crooked Distant Electric Empty "
    "Endless Faded Feral Frozen Gentle Gilded Golden Hidden Hollow Idle Iron Ivory Jagged Late Lazy "
    "Lonely Lost Lunar Marble Midnight Minor Modern Neon Northern Open Pale Paper Patient Plastic Quiet "
    "Restless Rusty Salt Scarlet Second Secret Silent Silver Slow Small Solar Southern Static Stolen "
    "Sudden Tender Tidal Tin Velvet Violet Wild Wooden"
)

NOUNS = {
    "rock": words("Harbour Engine Wolf Parade Crow Avenue Motel Riot Signal Garage Brick Highway Cartel Lantern"),
    "metal": words("Throne Raven Ruin Serpent Gallow Hammer Abyss Wraith Legion Crypt Thorn Winter Idol Furnace"),
    "electronic": words("Circuit Voltage Module Pulse Vector Pixel Relay Prism Phase Oscillator Grid Laser Tunnel"),
    "calm": words("Drift Tide Meadow Vapour Horizon Cloud Lagoon Moss Aurora Glacier Willow Feather Orbit"),
    "pop": words("Candy Mirror Summer Cinema Sugar Satellite Balloon Postcard Arcade Sunday Glitter Heart"),
    "urban": words("Borough Corner Crown Rooftop Ledger Sermon Blueprint Diamond Cypher Avenue Velour Groove"),
    "roots": words("River Barn Orchard Sparrow Prairie Fiddle Lantern Porch Cedar Wagon Hollow Creek"),
    "concert": words("Quartet Nocturne Ensemble Chamber Prelude Atelier Trio Archive Interval Sextet Octave"),
    "tropic": words("Palmera Playa Tambor Mango Coral Fuego Carnaval Sabor Isla Ritmo Brisa Marea"),
}

SYLLABLES = words("ka lo mi ven dor sy tal ri no vu xa ple ora sel ith bru mon ze fa lir qua tem")

# Apart, so that every world has non-Latin and accented names: normalisation must not turn them to nothing.
FOREIGN_ARTISTS = (
    "夜間飛行船", "月の庭園", "ねこ階段", "青い信号", "푸른 정원", "달빛 기차", "Полярный Сад",
    "Тихий Трамвай", "Σκιά και Φως", "نافذة القمر", "Café Minuit", "Blå Timme", "Señal Perdida", "Łąka Nocą",
    "Größenwahn Süd", "Étoile Fêlée", "Maçã Lunar", "Ørsted Nord", "Crème & Cendre", "Zimní Přístav",
)  # fmt: skip
FOREIGN_TITLES = (
    "雨のち晴れ", "真夜中の電話", "최후의 여름", "Последний трамвай", "Θάλασσα", "قمر آخر", "Déjà rêvé",
    "Corazón de papel", "Über Nacht", "Às vezes", "Smörgås Blues", "Až na dno",
)  # fmt: skip

THINGS = words(
    "Ashes Bridges Cities Clocks Colours Echoes Fires Flowers Ghosts Houses Letters Lights Maps Mirrors "
    "Mornings Mountains Oceans Planes Rivers Roads Rooms Satellites Seasons Shadows Signs Stars Stories "
    "Strangers Streets Trains Voices Walls Waves Windows Winters Wires"
)
VERBS = words("Burn Call Carry Chase Dance Fall Follow Forget Hold Keep Leave Lose Paint Remember Run Save Sing Wait")
PLACES = words("Berlin Lisbon Marseille Oslo Tulsa Osaka Leeds Antwerp Tallinn Valencia Detroit Bergen Ghent Turin")
CROWDS = words("Collective Orchestra Society Sound Union Brigade Club Department Players System")

HANDLES = words(
    "night_owl vinyl_fox tape_deck bass_badger quiet_comet rain_dancer lofi_lemur echo_otter "
    "static_moth disco_heron moss_piano neon_newt amber_finch blue_kettle tin_whale velvet_crow "
    "paper_tiger slow_tram cloud_baker riff_raccoon salt_lamp minor_key sunday_cat loud_acorn "
    "pixel_pike cedar_wren lunar_toast mono_magpie encore_elk hidden_hare brass_beetle dawn_swift "
    "treble_trout coral_fern dusty_sleeve polar_plum snare_snail amp_alpaca ivory_gull copper_kite "
    "fuzz_ferret tidal_mole rhythm_rook harbour_bee tempo_toad gentle_yak octave_owl chorus_crab"
)

SHOWS = {
    "Ten Minute Atlas": ("The River That Turned", "Salt Roads", "A Border in the Sea", "Islands for Sale"),
    "Kitchen Physics": ("Why Bread Rises", "Cold Fire", "The Perfect Egg", "Steam"),
    "The Slow News Hour": ("Trams, Again", "What Is a Budget?", "Voices & Votes", "The Archive"),
    "Behind the Fader": ("Reverb, Explained", "Loudness Wars", "Tape or Not", "The Last Mixdown"),
}
AUDIOBOOKS = {
    "The Lighthouse Ledger": tuple(f"Chapter {number}" for number in range(1, 13)),
    "A Field Guide to Fog": tuple(f"Part {number}" for number in range(1, 9)),
}


def artist_name(rng: Random, family: str) -> str:
    """A band name in the manner of its genre family; may repeat, the caller keeps names unique."""
    noun, other = rng.sample(NOUNS[family], 2)
    adjective = rng.choice(ADJECTIVES)
    coined = "".join(rng.sample(SYLLABLES, rng.randint(2, 3))).capitalize()
    recipes = (
        f"The {adjective} {noun}s",
        f"{adjective} {noun}",
        f"{noun} & {other}",
        f"{noun} and the {adjective} {other}s",
        f"{rng.choice(PLACES)} {noun} {rng.choice(CROWDS)}",
        coined,
        f"{coined} {noun}",
        f"DJ {coined}" if family in ("electronic", "urban") else f"{adjective} {noun} {rng.choice(CROWDS)}",
    )
    return rng.choice(recipes)


def track_title(rng: Random) -> str:
    """A song title; commas, quotes and apostrophes are there on purpose (CSV quoting, normalisation)."""
    adjective, thing, verb = rng.choice(ADJECTIVES), rng.choice(THINGS), rng.choice(VERBS)
    recipes = (
        f"{adjective} {thing}",
        f"{verb} the {thing}",
        f"{verb} Me, {verb} Me",
        " & ".join(rng.sample(THINGS, 2)),
        f"Don't {verb} the {thing}",
        f"{thing} of {rng.choice(PLACES)}",
        f"When the {thing} {verb}",
        f"{adjective}, {rng.choice(ADJECTIVES)} {thing[:-1]}",
        f"{verb} (All the {thing})",
        f"No More {thing}",
        f'The "{adjective}" Song' if rng.random() < 0.15 else f"{adjective} {verb}",
        f"{thing}, Pt. {rng.randint(1, 3)}" if rng.random() < 0.4 else thing,
    )
    return rng.choice(FOREIGN_TITLES) if rng.random() < 0.015 else rng.choice(recipes)


def album_name(rng: Random) -> str:
    """An album title, some with an edition in brackets, as real releases have."""
    thing = rng.choice(THINGS)
    title = rng.choice((f"{rng.choice(ADJECTIVES)} {thing}", track_title(rng), thing))
    return title + rng.choice(("", "", "", "", "", " (Deluxe Edition)", " EP", ", Vol. 2"))


def listener_handle(number: int) -> str:
    """The handle of the n-th listener; past the list the round is appended."""
    round_, index = divmod(number, len(HANDLES))
    return HANDLES[index] + (f"_{round_ + 1}" if round_ else "")

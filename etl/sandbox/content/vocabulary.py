"""Word lists for generated records, without any logic."""

from __future__ import annotations

GIVEN = str.split(
    "Ada Amir Anneli Beatriz Chidi Chloé Dmitri Elif Fatima Giulia Hiroshi Ingrid Jae-won José Katarzyna Lars Mei "
    "Naledi Oluwaseun Priya Quentin Rania Søren Tamar Ulrike Viktória Wanjiru Ximena Yuki Zeynep 明 伟"
)
FAMILY = str.split(
    "Abbott Bąk Castellanos Dąbrowski Eriksson Fernández García-López Hoffmann Ibrahim Jovanović Kowalska Lindqvist "
    "Müller Nakamura O'Brien Pretorius Quispe Rossi Sørensen Tanaka Ukpabi Vasquez Weiß Xu Yılmaz Zhou d'Almeida "
    "van den Berg 王 李",
    " ",
)
NOUNS = str.split(
    "glacier sediment genome reef canopy aerosol magma plankton manuscript dialect household tumour galaxy catalyst "
    "aquifer permafrost neuron microbiome wetland monsoon crystal polymer archive parliament migration orchard "
    "soundscape satellite ledger vaccine estuary basalt lichen pollen isotope"
)
ADJECTIVES = str.split(
    "annual coastal deep early global high-resolution historical in-situ longitudinal marine molecular multi-modal "
    "open paired pelagic quantitative regional seasonal spatial structural synthetic thermal tropical urban"
)
VERBS = str.split(
    "describes maps measures reveals compares supports extends corrects documents estimates revises records"
)
SENTENCE_ENDS = (
    "across sites on four continents, with calibrated uncertainties and a full provenance trail.",
    "between the first and the last campaign; see the accompanying <i>readme</i> for units and column names.",
    "at 0.25° × 0.25° resolution, quality-checked and gap-filled where fewer than 5 % of values were missing.",
    "from interviews held in 12 languages, anonymised and coded by two independent readers.",
    "using the workflow published with the software; all parameters are stored beside the results.",
    "after removal of duplicates, blanks and samples that failed the 95% threshold.",
)
INSTITUTES = (
    "University of Northhaven",
    "Institute for Polar Studies",
    "Universität Altstadt",
    "Instituto Nacional de Datos",
    "Centre de Recherche du Littoral",
    "Kyoto Bay University",
    "Cape Data Observatory",
    "National Cancer Imaging Laboratory",
    "Uniwersytet Nadwiślański",
    "Great Lakes Research Alliance",
    "Observatório do Atlântico",
    "Delta State University, Department of Soil Science",
    "Helvetic School of Technology",
    "Museum of Natural Sciences",
    "Royal Society of Measurements",
    "北方大学",
)
FUNDERS = (
    ("European Commission", "https://doi.org/10.13039/501100000780", "Crossref Funder ID"),
    ("National Science Foundation", "https://ror.org/021nxhr62", "ROR"),
    ("Deutsche Forschungsgemeinschaft", "https://doi.org/10.13039/501100001659", "Crossref Funder ID"),
    ("National Cancer Institute", "https://doi.org/10.13039/100000054", "Crossref Funder ID"),
    ("Wellcome Trust", "grid.52788.30", "GRID"),
    ("Fonds für Wasserforschung", None, None),
)
FIELDS_OF_SCIENCE = (
    "Biological sciences",
    "Earth and related environmental sciences",
    "Clinical medicine",
    "Physical sciences",
    "Computer and information sciences",
    "Sociology",
    "History and archaeology",
    "Mathematics",
    "Languages and literature",
    "Chemical sciences",
    "Economics and business",
    "Law",
)
LANGUAGES = ("en", "en", "en", "en", "de", "fr", "es", "eng", "en-US", "ja", "pt", None, None, "EN")
LICENCES = (
    (
        "Creative Commons Attribution 4.0 International",
        "https://creativecommons.org/licenses/by/4.0/legalcode",
        "cc-by-4.0",
    ),
    ("Creative Commons Zero v1.0 Universal", "https://creativecommons.org/publicdomain/zero/1.0/legalcode", "cc0-1.0"),
    (
        "Creative Commons Attribution Non Commercial 4.0 International",
        "https://creativecommons.org/licenses/by-nc/4.0/",
        "cc-by-nc-4.0",
    ),
    ("MIT License", "https://opensource.org/licenses/MIT", "mit"),
    ("TCIA Restricted", "https://wiki.cancerimagingarchive.net/x/c4hF", None),
    ("CC BY 3.0 Unported", "http://creativecommons.org/licenses/by/3.0/", None),
    ("All rights reserved; ask the archive", None, None),
)
# (resourceTypeGeneral, ris, bibtex, citeproc, schemaOrg), the most frequent first.
TYPES = (
    ("Dataset", "DATA", "misc", "dataset", "Dataset"),
    ("Text", "RPRT", "article", "article", "ScholarlyArticle"),
    ("Image", "FIGURE", "misc", "graphic", "ImageObject"),
    ("Software", "COMP", "misc", "software", "SoftwareSourceCode"),
    ("JournalArticle", "JOUR", "article", "article-journal", "ScholarlyArticle"),
    ("Preprint", "RPRT", "misc", "article", "ScholarlyArticle"),
    ("Collection", "GEN", "misc", "collection", "Collection"),
    ("PhysicalObject", "GEN", "misc", "article", "CreativeWork"),
    ("Audiovisual", "VIDEO", "misc", "motion_picture", "MediaObject"),
    ("Other", "GEN", "misc", "article", "CreativeWork"),
    ("Report", "RPRT", "techreport", "report", "Report"),
    ("Dissertation", "THES", "phdthesis", "thesis", "Thesis"),
    ("ConferencePaper", "CPAPER", "inproceedings", "paper-conference", "ScholarlyArticle"),
    ("Book", "BOOK", "book", "book", "Book"),
    ("Workflow", "GEN", "misc", "article", "CreativeWork"),
    ("InteractiveResource", "GEN", "misc", "article", "CreativeWork"),
    ("Model", "GEN", "misc", "article", "CreativeWork"),
    ("DataPaper", "JOUR", "article", "article", "ScholarlyArticle"),
    ("Sound", "SOUND", "misc", "song", "AudioObject"),
    ("OutputManagementPlan", "GEN", "misc", "article", "CreativeWork"),
)
RELATIONS = (
    "IsSupplementTo",
    "IsCitedBy",
    "References",
    "IsPartOf",
    "IsVersionOf",
    "HasVersion",
    "IsDerivedFrom",
    "IsDocumentedBy",
    "Cites",
)
SCHEMAS = (
    "http://datacite.org/schema/kernel-4",
    "http://datacite.org/schema/kernel-4",
    "http://datacite.org/schema/kernel-4",
    "http://datacite.org/schema/kernel-3",
    "http://datacite.org/schema/kernel-2.2",
    None,
)
SOURCES = ("api", "mds", "fabrica", "fabricaForm", "ez", None)
CONTRIBUTOR_TYPES = ("DataCurator", "ContactPerson", "HostingInstitution", "Researcher", "Sponsor", "Editor")
PLACES = ("Lake Constance", "Disko Bay, Greenland", "Ötztal Alps", "Great Barrier Reef", "東京湾", "São Paulo")

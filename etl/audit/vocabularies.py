"""The controlled lists of DataCite Metadata Schema 4.6, each term with the version of the schema that added it.

A term with version 0 was there in version 3 or before.
"""

from collections.abc import Mapping


def _terms(old: str, **since: str) -> Mapping[str, float]:
    """Make a list from old terms in one text and later ones by version, `v4_3="A B"`."""
    known = dict.fromkeys(old.split(), 0.0)
    for version, names in since.items():
        known |= dict.fromkeys(names.split(), float(version.removeprefix("v").replace("_", ".")))
    return known


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


RESOURCE_TYPES = _terms(
    "Audiovisual Collection Dataset Event Image InteractiveResource Model PhysicalObject Service Software Sound Text "
    "Workflow Other",
    v4_1="DataPaper",
    v4_4="Book BookChapter ComputationalNotebook ConferencePaper ConferenceProceeding Dissertation Journal "
    "JournalArticle OutputManagementPlan PeerReview Preprint Report Standard",
    v4_5="Instrument StudyRegistration",
    v4_6="Award Project",
)
RELATION_TYPES = _terms(
    "IsCitedBy Cites IsSupplementTo IsSupplementedBy IsContinuedBy Continues HasMetadata IsMetadataFor IsNewVersionOf "
    "IsPreviousVersionOf IsPartOf HasPart IsReferencedBy References IsDocumentedBy Documents IsCompiledBy Compiles "
    "IsVariantFormOf IsOriginalFormOf IsIdenticalTo IsReviewedBy Reviews IsDerivedFrom IsSourceOf",
    v4_1="IsDescribedBy Describes HasVersion IsVersionOf IsRequiredBy Requires",
    v4_2="Obsoletes IsObsoletedBy",
    v4_4="IsPublishedIn",
    v4_5="Collects IsCollectedBy",
    v4_6="HasTranslation IsTranslationOf",
)
INVERSES = {
    "IsCitedBy": "Cites",
    "IsSupplementTo": "IsSupplementedBy",
    "IsContinuedBy": "Continues",
    "HasMetadata": "IsMetadataFor",
    "IsNewVersionOf": "IsPreviousVersionOf",
    "IsPartOf": "HasPart",
    "IsReferencedBy": "References",
    "IsDocumentedBy": "Documents",
    "IsCompiledBy": "Compiles",
    "IsVariantFormOf": "IsOriginalFormOf",
    "IsIdenticalTo": "IsIdenticalTo",
    "IsReviewedBy": "Reviews",
    "IsDerivedFrom": "IsSourceOf",
    "IsDescribedBy": "Describes",
    "HasVersion": "IsVersionOf",
    "IsRequiredBy": "Requires",
    "Obsoletes": "IsObsoletedBy",
    "Collects": "IsCollectedBy",
    "HasTranslation": "IsTranslationOf",
}
INVERSES |= {there: here for here, there in INVERSES.items()}
IDENTIFIER_TYPES = _terms(
    "ARK arXiv bibcode DOI EAN13 EISSN Handle ISBN ISSN ISTC LISSN LSID PMID PURL UPC URL URN",
    v4_0="IGSN",
    v4_1="w3id",
    v4_6="CSTR RRID",
)
DATE_TYPES = _terms(
    "Accepted Available Collected Copyrighted Created Issued Submitted Updated Valid",
    v4_1="Other",
    v4_2="Withdrawn",
    v4_6="Coverage",
)
CONTRIBUTOR_TYPES = _terms(
    "ContactPerson DataCollector DataManager Distributor Editor Funder HostingInstitution Other Producer ProjectLeader "
    "ProjectManager ProjectMember RegistrationAgency RegistrationAuthority RelatedPerson ResearchGroup RightsHolder "
    "Researcher Sponsor Supervisor WorkPackageLeader",
    v4_0="DataCurator",
    v4_6="Translator",
)
TITLE_TYPES = _terms("AlternativeTitle Subtitle TranslatedTitle", v4_0="Other")
DESCRIPTION_TYPES = _terms("Abstract Methods SeriesInformation TableOfContents Other", v4_0="TechnicalInfo")
NAME_TYPES = _terms("", v4_1="Organizational Personal")

LANGUAGES = _codes("""
    aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo
    es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg
    ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn
    no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg sh si sk sl sm sn so sq sr ss st su sv sw
    ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu
""")
"""The two-letter codes of ISO 639-1, which BCP 47 requires where one exists."""

LONG_LANGUAGES = _codes("""
    alb ara arm aze baq bel ben bos bre bul bur cat ces chi cor cos cym cze dan deu dut ell eng epo est eus fas fao fin
    fra fre fry geo ger gla gle glg gre heb hin hrv hun hye ice ind isl ita jav jpn kal kan kat kaz khm kir kor kur lao
    lat lav lit ltz mac mal mao mar may mkd mlt mon mri msa mya nep nld nno nob nor oci pan per pol por pus roh ron rum
    run rus san slk slo slv som spa sqi srd srp swa swe tam tat tel tgk tgl tha tib tuk tur uig ukr urd uzb vie wel xho
    yid yor zho zul
""")
"""Three-letter codes of languages that have a two-letter one."""

// Generated from measures.schema.json by web/types.mjs (npm run types): change the schema, not this file.

/**
 * Measures of the necrosis; positions in world RAS mm. Not a medical device.
 */
export interface Measures {
  /**
   * Volume of the lesion inside the bone, ml
   */
  volume_ml: number;
  /**
   * Part of it that is not in the head, ml
   */
  outside_head_ml: number;
  /**
   * Volume of the head, ml
   */
  head_volume_ml: number;
  /**
   * Volume of the head's sphere, ml
   */
  sphere_volume_ml: number;
  /**
   * Lesion over head, 0 to 1
   */
  head_fraction: number;
  /**
   * The same, outline half a voxel in and out, 0 to 1
   *
   * @minItems 2
   * @maxItems 2
   */
  head_fraction_half_voxel: [number, number];
  /**
   * Lesion over sphere, 0 to 1
   */
  sphere_fraction: number;
  /**
   * The share by each definition of the head
   */
  head_definitions: {
    [k: string]: HeadShare;
  };
  /**
   * Lesion size grade (Steinberg) by the head; null: a scan's edge cuts
   */
  steinberg: string | null;
  /**
   * Lesion size grade (Steinberg) by the sphere; null: a scan's edge cuts
   */
  steinberg_sphere: string | null;
  /**
   * Whether a scan's edge cuts head or lesion: figures are lower bounds
   */
  lower_bound?: boolean;
  weight_bearing: WeightBearingPart;
  kerboul: KerboulPart;
  necrotic_index: NecroticIndexPart;
  /**
   * Anterior necrotic angle, deg; null: plane not involved
   */
  anterior_necrotic_angle_deg: number | null;
  preserved_angle: PreservedAnglePart;
  jic: JicPart;
  arco_type: ArcoTypePart;
  lateral_pillar: LateralPillarPart;
  octants: OctantsPart;
  /**
   * Connected pieces
   */
  components: ComponentPart[];
  /**
   * Centre of mass, RAS mm
   *
   * @minItems 3
   * @maxItems 3
   */
  centroid: [number, number, number];
  centroid_in_head: CentroidPart;
  osteotomy: OsteotomyPart;
  resurfacing: ResurfacingPart;
  repeatability: RepeatabilityPart;
  /**
   * Least and greatest of each figure that depends on an uncertain frame or load direction
   */
  frame_range?: {
    /**
     * @minItems 2
     * @maxItems 2
     */
    [k: string]: [number, number];
  };
  /**
   * Classes that an uncertain lateral axis may mean
   */
  frame_classes?: {
    [k: string]: (number | string | null)[];
  };
  plane_shares?: PlaneSharesPart;
  /**
   * Classes with what they may be, by the figure's path; what evidence rests on
   */
  classes?: {
    [k: string]: ClassRangePart;
  };
  /**
   * Why a figure is null, by its path
   */
  missing: {
    [k: string]: string;
  };
  signs: SignsPart;
  summary: SummaryPart;
  /**
   * Kind and major version
   */
  schema: "corecore.measures/1";
  /**
   * When it was made, ISO 8601
   */
  created: string;
  /**
   * Version that made it
   */
  corecore_version: string;
  /**
   * Frame of every position
   */
  coordinate_system: "RAS";
  /**
   * Unit of every position
   */
  units: "mm";
  case: CasePart;
  /**
   * Centre of the head's sphere, RAS mm
   *
   * @minItems 3
   * @maxItems 3
   */
  head_center: [number, number, number];
  /**
   * Radius of the head's sphere, mm
   */
  head_radius_mm: number;
  sources: SourcesPart;
  /**
   * What the reader is warned of
   */
  warnings: WarningPart[];
  /**
   * What it is not
   */
  notice: string;
  [k: string]: unknown;
}
/**
 * The lesion's share of the head by one definition of the head.
 */
export interface HeadShare {
  /**
   * Volume of the head, ml
   */
  head_ml: number;
  /**
   * Volume of the lesion in it, ml
   */
  lesion_ml: number;
  /**
   * The one over the other, 0 to 1
   */
  fraction: number;
  [k: string]: unknown;
}
/**
 * Weight-bearing zone
 */
export interface WeightBearingPart {
  /**
   * Half-angle of the cap, deg
   */
  cap_half_angle_deg: number;
  /**
   * How deep lesion still counts as under the surface, mm
   */
  subchondral_depth_mm: number;
  /**
   * The load's direction, femoral frame
   *
   * @minItems 3
   * @maxItems 3
   */
  pole: [number, number, number];
  /**
   * Share of the cap over lesion, 0 to 1
   */
  surface_fraction: number;
  /**
   * Share of the lesion under the cap, 0 to 1
   */
  volume_fraction: number;
  /**
   * Least bone over the lesion there, mm; null: no lesion there
   */
  depth_mm: number | null;
  /**
   * The same about each pole by name
   */
  poles: {
    [k: string]: LoadedPart;
  };
  [k: string]: unknown;
}
/**
 * The lesion under the cap about one load pole.
 */
export interface LoadedPart {
  /**
   * Half-angle of the cap, deg
   */
  cap_half_angle_deg: number;
  /**
   * How deep lesion still counts as under the surface, mm
   */
  subchondral_depth_mm: number;
  /**
   * The load's direction, femoral frame
   *
   * @minItems 3
   * @maxItems 3
   */
  pole: [number, number, number];
  /**
   * Share of the cap over lesion, 0 to 1
   */
  surface_fraction: number;
  /**
   * Share of the lesion under the cap, 0 to 1
   */
  volume_fraction: number;
  /**
   * Least bone over the lesion there, mm; null: no lesion there
   */
  depth_mm: number | null;
  [k: string]: unknown;
}
/**
 * Necrotic angles
 */
export interface KerboulPart {
  /**
   * Arc in the mid-coronal plane, deg
   */
  coronal_deg: number;
  /**
   * Arc in the mid-sagittal plane, deg
   */
  sagittal_deg: number;
  /**
   * Their sum, deg
   */
  combined_deg: number;
  /**
   * Coronal arc without viable surface between foci, deg
   */
  coronal_union_deg: number;
  /**
   * Sagittal arc without viable surface between foci, deg
   */
  sagittal_union_deg: number;
  /**
   * Grade 1 to 4; null: not involved
   */
  grade: number | null;
  [k: string]: unknown;
}
/**
 * Index of necrosis
 */
export interface NecroticIndexPart {
  /**
   * By the mid-planes, 0 to 400
   */
  original: number;
  /**
   * By the slices with most lesion, 0 to 400
   */
  modified: number;
  /**
   * That coronal slice, in front of the head's centre, mm
   */
  coronal_slice_mm: number | null;
  /**
   * That sagittal slice, lateral of the head's centre, mm
   */
  sagittal_slice_mm: number | null;
  [k: string]: unknown;
}
/**
 * Preserved angle
 */
export interface PreservedAnglePart {
  /**
   * In the mid-coronal plane, deg
   */
  lateral_deg: number | null;
  /**
   * In the neck's plane, deg
   */
  anterior_deg: number | null;
  /**
   * Their sum, deg
   */
  combined_deg: number | null;
  /**
   * Definition not confirmed
   */
  confirmed: false;
  [k: string]: unknown;
}
/**
 * Location: JIC type
 */
export interface JicPart {
  /**
   * Type; null: not in that plane
   */
  type: null | "A" | "B" | "C1" | "C2";
  /**
   * What the acetabulum rests on
   */
  basis: "landmarks" | "pelvis" | "population";
  /**
   * Lesion's lateral end, 0 at the middle, 1 at the edge
   */
  covered_share: number | null;
  /**
   * Middle of the weight-bearing surface, deg
   */
  middle_deg: number;
  /**
   * Edge of the acetabulum, deg
   */
  edge_deg: number;
  /**
   * Lateral end of the lesion, deg
   */
  lesion_deg: number | null;
  /**
   * Where the lesion's end was seen
   */
  seen_at: null | "depth" | "surface";
  /**
   * Types that outline, acetabulum, frame and other foci may mean
   */
  type_range: string | null;
  [k: string]: unknown;
}
/**
 * Location: ARCO type
 */
export interface ArcoTypePart {
  /**
   * Type; null: not in that plane
   */
  type: null | 1 | 2 | 3;
  /**
   * What the acetabulum rests on
   */
  basis: "landmarks" | "pelvis" | "population";
  /**
   * Apex of the head, deg
   */
  apex_deg: number;
  /**
   * Edge of the acetabulum, deg
   */
  edge_deg: number;
  /**
   * Lateral end of the lesion, deg
   */
  lesion_deg: number | null;
  /**
   * Definition not confirmed
   */
  confirmed: false;
  [k: string]: unknown;
}
/**
 * Location: pillars of the head
 */
export interface LateralPillarPart {
  /**
   * Type; null: no pillar counts
   */
  type: null | "C" | "L1" | "L2" | "L3" | "M";
  /**
   * Necrotic share of the medial pillar, 0 to 1
   */
  medial_share: number;
  /**
   * Necrotic share of the central pillar, 0 to 1
   */
  central_share: number;
  /**
   * Necrotic share of the lateral pillar, 0 to 1
   */
  lateral_share: number;
  /**
   * Widths of the pillars, shares of the head's
   *
   * @minItems 3
   * @maxItems 3
   */
  widths: [number, number, number];
  /**
   * Necrotic share from which a pillar counts, 0 to 1
   */
  involved_share: number;
  /**
   * Necrotic share from which a pillar counts as whole, 0 to 1
   */
  whole_share: number;
  /**
   * Definition not confirmed
   */
  confirmed: false;
  [k: string]: unknown;
}
/**
 * Shares by octant
 */
export interface OctantsPart {
  /**
   * Anterior, superior, medial, 0 to 1
   */
  ASM: number;
  /**
   * Anterior, superior, lateral, 0 to 1
   */
  ASL: number;
  /**
   * Posterior, superior, medial, 0 to 1
   */
  PSM: number;
  /**
   * Posterior, superior, lateral, 0 to 1
   */
  PSL: number;
  /**
   * Anterior, inferior, medial, 0 to 1
   */
  AIM: number;
  /**
   * Anterior, inferior, lateral, 0 to 1
   */
  AIL: number;
  /**
   * Posterior, inferior, medial, 0 to 1
   */
  PIM: number;
  /**
   * Posterior, inferior, lateral, 0 to 1
   */
  PIL: number;
}
/**
 * A focus: a connected piece of the lesion; the largest comes first.
 */
export interface ComponentPart {
  /**
   * Its volume, ml
   */
  volume_ml: number;
  /**
   * Its number, 1 the largest
   */
  number?: number;
  /**
   * Its share of the lesion, 0 to 1
   */
  fraction?: number;
  /**
   * Octant of the head that holds its centre of mass
   */
  octant?: "AIL" | "AIM" | "ASL" | "ASM" | "PIL" | "PIM" | "PSL" | "PSM";
  /**
   * The octant in words
   */
  place?: string;
  /**
   * Share of the weight-bearing area over it, 0 to 1
   */
  surface_fraction?: number;
  /**
   * Its centre of mass, RAS mm
   *
   * @minItems 3
   * @maxItems 3
   */
  centroid?: [number, number, number];
  /**
   * Its lateral end, 0 at the middle, 1 at the edge; null: not in the mid-coronal plane
   */
  covered_share?: number | null;
  [k: string]: unknown;
}
/**
 * Centre of mass in the head
 */
export interface CentroidPart {
  /**
   * Lateral, anterior, proximal of the head's centre, mm
   *
   * @minItems 3
   * @maxItems 3
   */
  position_mm: [number, number, number];
  /**
   * Height above the plane across the shaft, deg
   */
  latitude_deg: number;
  /**
   * 0 lateral, 90 anterior, 180 medial, -90 posterior, deg
   */
  longitude_deg: number;
  /**
   * Below the bone's surface, mm
   */
  depth_mm: number;
  /**
   * Distance from the head's centre over its radius
   */
  from_center_share: number;
  [k: string]: unknown;
}
/**
 * Osteotomy: effect of turning the head
 */
export interface OsteotomyPart {
  rotation: TurnedPart;
  tilt: TurnedPart1;
  [k: string]: unknown;
}
/**
 * About the neck's axis, anterior positive
 */
export interface TurnedPart {
  /**
   * Angles, deg
   */
  angles_deg: number[];
  /**
   * Necrotic share of the cap at each, 0 to 1
   */
  surface_fraction: number[];
  /**
   * Viable share of the cap at each, 0 to 1
   */
  intact_fraction: number[];
  /**
   * Best angle, deg
   */
  best_deg: number;
  /**
   * Necrotic share there, 0 to 1
   */
  best_surface_fraction: number;
  /**
   * Viable share there, 0 to 1
   */
  best_intact_fraction: number;
  [k: string]: unknown;
}
/**
 * In the mid-coronal plane, varus positive
 */
export interface TurnedPart1 {
  /**
   * Angles, deg
   */
  angles_deg: number[];
  /**
   * Necrotic share of the cap at each, 0 to 1
   */
  surface_fraction: number[];
  /**
   * Viable share of the cap at each, 0 to 1
   */
  intact_fraction: number[];
  /**
   * Best angle, deg
   */
  best_deg: number;
  /**
   * Necrotic share there, 0 to 1
   */
  best_surface_fraction: number;
  /**
   * Viable share there, 0 to 1
   */
  best_intact_fraction: number;
  [k: string]: unknown;
}
/**
 * Resurfacing: bone left after reaming
 */
export interface ResurfacingPart {
  /**
   * Depths reamed, mm
   */
  reaming_mm: number[];
  /**
   * Viable share of the reamed dome at each, 0 to 1
   */
  supported_fraction: number[];
  /**
   * Lesion left at each, ml
   */
  dead_left_ml: number[];
  /**
   * Viable share at 5 mm, 0 to 1
   */
  headline_supported_fraction: number;
  [k: string]: unknown;
}
/**
 * Segmentation uncertainty of the figures
 */
export interface RepeatabilityPart {
  /**
   * Half a voxel, mm
   */
  half_voxel_mm: number;
  /**
   * How far outlines lie off on average, mm
   */
  outline_error_mm?: number;
  /**
   * Changes by the figure's path
   */
  figures: {
    [k: string]: ChangePart;
  };
  /**
   * Classes by their path
   */
  classes: {
    [k: string]: ClassesPart;
  };
  [k: string]: unknown;
}
/**
 * By how much a figure changes with the outline moved inward and outward; null where it does not exist.
 */
export interface ChangePart {
  /**
   * By half a voxel, in the figure's unit
   *
   * @minItems 2
   * @maxItems 2
   */
  half_voxel: [number | null, number | null];
  /**
   * By 1 mm, in the figure's unit
   *
   * @minItems 2
   * @maxItems 2
   */
  one_mm: [number | null, number | null];
  /**
   * By the outline's error (outline_error_mm), in the figure's unit
   *
   * @minItems 2
   * @maxItems 2
   */
  outline?: [number | null, number | null];
  [k: string]: unknown;
}
/**
 * The class for the outline moved inward and outward.
 */
export interface ClassesPart {
  /**
   * By half a voxel
   *
   * @minItems 2
   * @maxItems 2
   */
  half_voxel: [number | string | null, number | string | null];
  /**
   * By 1 mm
   *
   * @minItems 2
   * @maxItems 2
   */
  one_mm: [number | string | null, number | string | null];
  [k: string]: unknown;
}
/**
 * How much of the largest focus each mid-plane shows
 */
export interface PlaneSharesPart {
  /**
   * In the mid-coronal plane, 0 to 1
   */
  coronal: number;
  /**
   * In the mid-sagittal plane, 0 to 1
   */
  sagittal: number;
  [k: string]: unknown;
}
/**
 * Every class that a figure may mean; evidence is given for all of them.
 */
export interface ClassRangePart {
  /**
   * Classes, the worst first; none: not classifiable, or no such figure
   */
  range: string[];
  /**
   * Least that the figure may be, in its unit
   */
  low?: number;
  /**
   * Greatest that it may be, in its unit
   */
  high?: number;
  /**
   * What makes it a range
   */
  because: string[];
  /**
   * Why no class is given
   */
  not_classifiable?: string;
  [k: string]: unknown;
}
/**
 * Other findings
 */
export interface SignsPart {
  collapse: CollapsePart;
  fovea?: FoveaPart;
  /**
   * Channels of earlier drilling
   */
  previous_tunnels: PreviousTunnelPart[];
  /**
   * Metal near the hip; null: none seen
   */
  metal: MetalPart | null;
  image_age: ImageAgePart;
  /**
   * Stage as given; null: not given
   */
  stage: StagePart | null;
  /**
   * Physeal status as given
   */
  physis: "closed" | "open" | "unknown";
  /**
   * What the surgeon has not answered: stage, physis
   */
  asks: string[];
  /**
   * What could not be evaluated, and why
   */
  notes: string[];
  [k: string]: unknown;
}
/**
 * Depression of the head's surface
 */
export interface CollapsePart {
  /**
   * Greatest depth over the lesion, mm; null: not evaluated
   */
  over_lesion_mm: number | null;
  /**
   * Depth that 95 % of the rest stay under, mm
   */
  rest_p95_mm: number | null;
  /**
   * Greatest depth over the rest, mm
   */
  rest_max_mm: number | null;
  /**
   * Depth from which it counts, mm
   */
  limit_mm: number;
  /**
   * Whether it is beyond the limit
   */
  found: boolean;
  /**
   * Where it is deepest: femoral frame, unit vector
   */
  direction: number[] | null;
  /**
   * Depth of a dent in the weight-bearing zone away from lesion and fovea, mm; null: none
   */
  flattening_mm?: number | null;
  /**
   * Depth from which that counts, mm
   */
  flattening_limit_mm?: number;
  /**
   * Where that is deepest: femoral frame, unit vector
   */
  flattening_direction?: number[] | null;
  [k: string]: unknown;
}
/**
 * The fovea, which is no flattening
 */
export interface FoveaPart {
  /**
   * Whether it was seen on the surface, or assumed at its usual position
   */
  source?: "assumed" | "found";
  /**
   * Its middle: femoral frame, unit vector
   */
  direction?: number[] | null;
  /**
   * Cone that counts as fovea, half-angle, degrees
   */
  half_angle_deg?: number;
  /**
   * Depth below the sphere, mm; null: assumed
   */
  depth_mm?: number | null;
  [k: string]: unknown;
}
/**
 * A straight channel in mask or CT.
 */
export interface PreviousTunnelPart {
  /**
   * mask or image
   */
  source?: string;
  /**
   * Distal end, RAS mm
   */
  start?: number[];
  /**
   * Proximal end, RAS mm
   */
  end?: number[];
  /**
   * Width, mm
   */
  width_mm?: number;
  /**
   * Length, mm
   */
  length_mm?: number;
  /**
   * Contrast to the bone about it, HU; null: from the mask
   */
  contrast_hu?: number | null;
  [k: string]: unknown;
}
/**
 * Metal in a CT near the hip.
 */
export interface MetalPart {
  /**
   * Volume, ml
   */
  volume_ml?: number;
  /**
   * Pieces
   */
  parts?: number;
  /**
   * Least distance from the head's centre, mm
   */
  distance_mm?: number;
  /**
   * Centre of mass, RAS mm
   */
  centroid?: number[];
  /**
   * Share inside the femur, 0 to 1
   */
  share_in_femur?: number;
  /**
   * Density from which it counts, HU
   */
  threshold_hu?: number;
  [k: string]: unknown;
}
/**
 * Age of the image
 */
export interface ImageAgePart {
  /**
   * YYYY-MM-DD; null: not known
   */
  imaging_date: string | null;
  /**
   * Days from imaging to plan; null: not known
   */
  days: number | null;
  /**
   * Days beyond which there is a warning
   */
  limit_days: number;
  /**
   * Why the age is not evaluated
   */
  note?: string | null;
  [k: string]: unknown;
}
/**
 * The stage as the surgeon reads it; never derived from the masks.
 */
export interface StagePart {
  /**
   * As printed, such as ARCO 2019 II
   */
  label?: string;
  /**
   * Name of the system
   */
  system?: string;
  /**
   * Stage, 0 to 6
   */
  number?: number;
  /**
   * A, B, C or empty
   */
  letter?: string;
  /**
   * Whether the surgeon named the system
   */
  system_named?: boolean;
  /**
   * Whether it is stage III or more
   */
  collapsed?: boolean;
  [k: string]: unknown;
}
/**
 * Ten seconds' reading
 */
export interface SummaryPart {
  /**
   * The lesion in one line
   */
  headline: string;
  /**
   * Reported natural history
   */
  expected: ArgumentPart[];
  /**
   * For core decompression
   */
  speaks_for: ArgumentPart[];
  /**
   * Against core decompression
   */
  speaks_against: ArgumentPart[];
  /**
   * What the surgeon has not answered: stage, physis
   */
  asks: string[];
  /**
   * Statements above that contradict each other
   */
  disagreements?: string[];
  /**
   * Favourable statements that are not made
   */
  withheld?: WithheldPart[];
  [k: string]: unknown;
}
/**
 * A sentence of evidence with its source.
 */
export interface ArgumentPart {
  /**
   * Stable code
   */
  code: string;
  /**
   * The sentence
   */
  text: string;
  /**
   * Paper, by DOI or PMID
   */
  source: string;
  /**
   * Hips that the paper followed
   */
  cohort: string;
  /**
   * What it says of such a hip
   */
  direction?: "favourable" | "neutral" | "unfavourable";
  /**
   * Whether the whole range of the hip's classes is the statement's
   */
  certain?: boolean;
  effect?: EffectPart;
  [k: string]: unknown;
}
/**
 * What was found
 */
export interface EffectPart {
  /**
   * Of counted hips; of a number of hips known from above alone; of one not known; a ratio
   */
  kind: "at_most" | "counts" | "ratio" | "share";
  /**
   * Share, 0 to 1, or ratio
   */
  value: number;
  /**
   * Hips that had it
   */
  events?: number;
  /**
   * Hips at risk; of at_most: no more than these
   */
  n?: number;
  /**
   * Lower end; null: not known
   */
  low: number | null;
  /**
   * Upper end; null: not known
   */
  high: number | null;
  [k: string]: unknown;
}
/**
 * A favourable statement that is not made, and why.
 */
export interface WithheldPart {
  /**
   * Stable code of the statement
   */
  code: string;
  /**
   * Why it is not made
   */
  reason: string;
  [k: string]: unknown;
}
/**
 * Which hip, from which files
 */
export interface CasePart {
  /**
   * Name of the case; never a patient's
   */
  id: string;
  /**
   * Side of the patient's body
   */
  side: "left" | "right";
  /**
   * Files that the document was made from
   */
  inputs: InputPart[];
  /**
   * How a lesion drawn on another scan was moved
   */
  lesion_transform?: LesionTransformPart | null;
  /**
   * Day of the imaging, where a document names it here
   */
  imaging_date?: string | null;
  /**
   * Who operates; absent: not given
   */
  surgeon?: string;
  /**
   * Day of the operation, ISO 8601; absent: not given
   */
  operation_date?: string;
  [k: string]: unknown;
}
/**
 * One input of ``case.inputs``: a file, or a volume that was given in memory.
 */
export interface InputPart {
  /**
   * femur, lesion, pelvis, avoid, knee, image, ...
   */
  role: string;
  /**
   * Where it lies; a relative path counts from the document; null: in memory
   */
  path: string | null;
  /**
   * SHA-256 of the file, in memory of voxels and affine, hex
   */
  sha256: string;
  /**
   * Label of a label map, by number or name; null: a mask
   */
  label: number | string | null;
  /**
   * SHA-256 of the user's file or volume that this copy was made of
   */
  original_sha256?: string;
  /**
   * What it, or the original of this copy, was given as in memory; absent: a file
   */
  given?: "SimpleITK" | "array" | "nibabel";
  [k: string]: unknown;
}
/**
 * How a lesion drawn on another scan came into the femur's world.
 */
export interface LesionTransformPart {
  /**
   * given or registered
   */
  method?: string;
  /**
   * 4 x 4 matrix, RAS mm
   */
  world_from_lesion?: number[][];
  /**
   * How far the lesion's centre moved, mm
   */
  moved_mm?: number;
  /**
   * How far the lesion was turned, deg
   */
  turned_deg?: number;
  /**
   * How far the halves of a registration place the lesion apart, mm; null: unknown
   */
  residual_mm?: number | null;
  /**
   * What the registered images share, over chance; null: not registered
   */
  information?: number | null;
  [k: string]: unknown;
}
/**
 * Where each landmark comes from
 */
export interface SourcesPart {
  /**
   * Source of centre and radius of the head
   */
  head_center: "assumed" | "fitted" | "given";
  /**
   * Source of the neck's axis
   */
  neck_axis?: string;
  /**
   * Source of the shaft's axis
   */
  shaft_axis: "assumed" | "fitted" | "given";
  /**
   * Source of the lesser trochanter's level
   */
  lesser_trochanter: "assumed" | "fitted" | "given";
  /**
   * Source of the greater trochanter's tip
   */
  greater_trochanter?: string;
  /**
   * Source of the vastus ridge; absent: looked for on the bone
   */
  vastus_ridge?: "given";
  /**
   * What the lateral axis rests on
   */
  x_axis: "condyles" | "given" | "neck";
  [k: string]: unknown;
}
/**
 * One warning; codes are listed in ``docs/messages.md``.
 */
export interface WarningPart {
  /**
   * Stable code
   */
  code: string;
  /**
   * The warning in words
   */
  text: string;
  [k: string]: unknown;
}

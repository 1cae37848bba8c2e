// Generated from plan.schema.json by web/types.mjs (npm run types): change the schema, not this file.

/**
 * A plan; positions in world RAS mm. Not a medical device.
 */
export interface Plan {
  /**
   * Kind and major version
   */
  schema: "corecore.plan/1";
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
  /**
   * Found by the search, no tunnel, or surgeon-modified
   */
  status: "infeasible" | "manual" | "planned";
  /**
   * Limits that the plan exceeds
   */
  violations: ViolationPart[];
  /**
   * What the reader is warned of
   */
  warnings: WarningPart[];
  case: CasePart;
  anatomy: AnatomyPart;
  necrosis: NecrosisPart;
  spec: SpecPart;
  /**
   * Tunnels; none where nothing is feasible
   */
  tunnels: PlannedTunnelPart[];
  totals: TotalsPart;
  /**
   * Other plans
   *
   * @maxItems 8
   */
  alternatives: AlternativePart[];
  /**
   * Share removed against perforation, from the least of either to the most
   */
  tradeoff?: TradeoffPart[];
  /**
   * Guidance methods by name
   */
  risk_methods?: {
    [k: string]: MethodPart;
  };
  /**
   * Seconds and counts of work
   */
  timings: {
    [k: string]: number;
  };
  robust?: RobustPart;
  given?: GivenPart;
  /**
   * Best tunnel near it; null: none
   */
  nearest?: NearestTunnelPart | null;
  /**
   * Why there is none near it
   */
  nearest_reason?: string | null;
  infeasible?: InfeasiblePart;
  headline?: HeadlinePart;
  review?: ReviewPart;
  /**
   * Every file written beside the plan
   */
  outputs?: OutputPart[];
  /**
   * Fingerprint of the content, hex
   */
  seal?: string;
  /**
   * HMAC-SHA256 of the seal by the writer's key, hex
   */
  signature?: string;
  [k: string]: unknown;
}
/**
 * A limit that a plan set by hand breaks.
 */
export interface ViolationPart {
  /**
   * Parameter of spec, or overlap, misses_lesion, ...
   */
  key: string;
  /**
   * The limit, in its unit
   */
  limit: number;
  /**
   * What the plan has, in its unit
   */
  value: number | null;
  /**
   * Which tunnel exceeds it, counted from 1
   */
  tunnel?: number;
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
 * Landmarks and axes
 */
export interface AnatomyPart {
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
  /**
   * Centroid of the neck's smallest section, RAS mm
   *
   * @minItems 3
   * @maxItems 3
   */
  neck_center: [number, number, number];
  /**
   * Unit vector along the neck, to the head
   *
   * @minItems 3
   * @maxItems 3
   */
  neck_axis: [number, number, number];
  /**
   * Angle of neck and shaft axes, deg
   */
  neck_shaft_angle_deg: number;
  /**
   * Area of the neck's smallest section, mm2
   */
  neck_min_area_mm2: number;
  /**
   * A point of the shaft's axis, RAS mm
   *
   * @minItems 3
   * @maxItems 3
   */
  shaft_point: [number, number, number];
  /**
   * Unit vector along the shaft, upwards
   *
   * @minItems 3
   * @maxItems 3
   */
  shaft_axis: [number, number, number];
  /**
   * How far the whole shaft's axis may lie off in 19 femora of 20, deg
   */
  shaft_range_deg?: number;
  /**
   * Unit vector to the lateral side
   *
   * @minItems 3
   * @maxItems 3
   */
  x_axis: [number, number, number];
  /**
   * Tip of the lesser trochanter, RAS mm; null: not in view
   */
  lesser_trochanter_tip: [number, number, number] | null;
  /**
   * Lesser trochanter's level above the head's centre along the shaft, mm
   */
  lesser_trochanter_height_mm: number;
  /**
   * Tip of the greater trochanter, RAS mm; null: not in view
   */
  greater_trochanter_tip: [number, number, number] | null;
  /**
   * Most lateral bone at the vastus ridge, RAS mm; null: it does not stand out, or not in view
   */
  vastus_ridge?: [number, number, number] | null;
  /**
   * Anteversion as it was stated, deg; the lateral axis rests on it
   */
  anteversion_deg?: number;
  /**
   * Edge of the acetabulum as it was given, RAS mm
   *
   * @minItems 3
   * @maxItems 3
   */
  acetabular_edge?: [number, number, number];
  /**
   * Lowest point of the teardrop as it was given, RAS mm
   *
   * @minItems 3
   * @maxItems 3
   */
  teardrop?: [number, number, number];
  sources: SourcesPart;
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
 * Measures of the lesion
 */
export interface NecrosisPart {
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
 * Every parameter in force
 */
export interface SpecPart {
  /**
   * Preset that the parameters began from
   */
  preset?: string;
  /**
   * Diameter of the drill, mm
   */
  diameter_mm?: number;
  /**
   * Tunnels asked for
   */
  tunnels?: number;
  /**
   * Least bone to the cortex, mm
   */
  cortical_margin_mm?: number;
  /**
   * Least bone to the postero-superior neck, mm
   */
  posterosuperior_margin_mm?: number;
  /**
   * Least bone to the joint's surface, mm
   */
  joint_margin_mm?: number;
  /**
   * Least angle to the cortex, deg
   */
  incidence_min_deg?: number;
  /**
   * Least angle to the shaft, deg
   */
  shaft_angle_min_deg?: number;
  /**
   * Greatest angle to the shaft, deg
   */
  shaft_angle_max_deg?: number;
  /**
   * Greatest length, mm
   */
  length_max_mm?: number;
  /**
   * Greatest turn of the cortex at the entry, deg
   */
  entry_normal_max_deg?: number;
  /**
   * AP offset from the mid-lateral line at most, mm
   */
  entry_ap_max_mm?: number;
  /**
   * Lower end of the entry zone above the lesser trochanter, mm
   */
  entry_distal_mm?: number;
  /**
   * Upper end of the entry zone above the lesser trochanter, mm
   */
  entry_proximal_mm?: number;
  /**
   * Least bone between separate holes, mm
   */
  bridge_min_mm?: number;
  /**
   * any, fan, separate or parallel
   */
  pattern?: string;
  /**
   * Half-angle of the weight-bearing cap, deg
   */
  cap_half_angle_deg?: number;
  /**
   * How deep lesion counts as under the surface, mm
   */
  subchondral_depth_mm?: number;
  /**
   * Limit of the probability of perforation of a robust plan, 0 to 1
   */
  breach_probability_max?: number;
  /**
   * Least distance to the regions to avoid, mm
   */
  avoid_margin_mm?: number;
  /**
   * Where every tunnel enters, RAS mm; null: free
   */
  entry_fixed?: [number, number, number] | null;
  /**
   * How every tunnel runs, RAS; null: free
   */
  direction_fixed?: [number, number, number] | null;
  /**
   * Tunnels on which the surgeon insists
   */
  keep?: KeptPart[];
  /**
   * What is to be as much as can be
   */
  target?: "expected" | "lesion" | "reached" | "weight-bearing";
  /**
   * What counts as reached about a wall, mm
   */
  reach_mm?: number;
  /**
   * Mean error of the outline simulated, mm; 0: none
   */
  outline_error_mm?: number;
  /**
   * Weight of lesion in the weight-bearing sector
   */
  weight_bearing_weight?: number;
  /**
   * Diameter of the cavity at the tip, mm; 0: none
   */
  cavity_diameter_mm?: number;
  /**
   * Length of the cavity at the tip, mm; 0: none
   */
  cavity_length_mm?: number;
  /**
   * Share to remove with the fewest tunnels, 0 to 1; 0: as much as can be
   */
  remove_fraction_min?: number;
  /**
   * Most of the neck's section, share
   */
  neck_area_share_max?: number;
  /**
   * Largest lateral-wall defect, share of its width
   */
  lateral_wall_share_max?: number;
  /**
   * Hole's upper edge below the vastus ridge at least, mm
   */
  entry_below_ridge_mm?: number;
  /**
   * Guidance method by which it will be drilled
   */
  guidance?: string;
  /**
   * safest: least perforation of the nearly best; most: what does most
   */
  objective?: "most" | "safest";
  /**
   * Least share of the most removed that a safest plan removes, 0.5 to 1
   */
  near_best_share?: number;
  instrument?: InstrumentPart;
  [k: string]: unknown;
}
/**
 * A tunnel on which the surgeon insists.
 */
export interface KeptPart {
  /**
   * Entry, RAS mm
   *
   * @minItems 3
   * @maxItems 3
   */
  entry: [number, number, number];
  /**
   * Tip, RAS mm
   *
   * @minItems 3
   * @maxItems 3
   */
  tip: [number, number, number];
  /**
   * Diameter, mm
   */
  diameter_mm: number;
  [k: string]: unknown;
}
/**
 * What is drilled with; absent: a flat-ended cylinder of the sizes above
 */
export interface InstrumentPart {
  /**
   * Name of the library, or of the user's own file
   */
  name: string;
  /**
   * What it is
   */
  title: string;
  /**
   * Diameter of the shaft, mm
   */
  diameter_mm: number;
  /**
   * Shape of its end; round: half a ball
   */
  tip: "cone" | "flat" | "round";
  /**
   * Full angle of a cone's point, deg
   */
  tip_angle_deg: number;
  /**
   * Narrower parts, from the tip backward
   */
  steps: StepPart[];
  /**
   * Diameter of the guide pin, mm
   */
  pin_diameter_mm: number;
  /**
   * How far the pin runs ahead of the tip, mm
   */
  pin_overshoot_mm: number;
  /**
   * Least bone between the pin and the bone's surface, mm
   */
  pin_margin_mm: number;
  /**
   * Whether a stop is set to the depth
   */
  depth_stop: boolean;
  /**
   * Diameter of the wider part at its end, mm
   */
  cavity_diameter_mm: number;
  /**
   * Length of that part, mm
   */
  cavity_length_mm: number;
  /**
   * Used to remove necrosis, or to reach it
   */
  objective: "lesion" | "reached";
  /**
   * Where its sizes are published, or unconfirmed
   */
  source: string;
  /**
   * Which of them no source was found for
   */
  unconfirmed: string;
  [k: string]: unknown;
}
/**
 * A narrower part of an instrument behind its tip.
 */
export interface StepPart {
  /**
   * How far it reaches back from the tip, mm
   */
  to_mm: number;
  /**
   * Its diameter, mm
   */
  diameter_mm: number;
  [k: string]: unknown;
}
/**
 * A tunnel of the plan.
 */
export interface PlannedTunnelPart {
  /**
   * Entry on the lateral cortex, RAS mm
   *
   * @minItems 3
   * @maxItems 3
   */
  entry: [number, number, number];
  /**
   * Deepest point of the instrument on the axis, RAS mm; a guide pin may run ahead
   *
   * @minItems 3
   * @maxItems 3
   */
  tip: [number, number, number];
  /**
   * Unit vector from entry to tip
   *
   * @minItems 3
   * @maxItems 3
   */
  direction: [number, number, number];
  /**
   * Diameter of the drill, mm
   */
  diameter_mm: number;
  /**
   * Diameter of the cavity at the tip, mm; null: none
   */
  cavity_diameter_mm?: number | null;
  /**
   * Length of the cavity at the tip, mm; null: none
   */
  cavity_length_mm?: number | null;
  /**
   * Entry to tip, mm
   */
  length_mm: number;
  /**
   * Length of the cortical entry hole, where the cortical margin does not apply, mm
   */
  portal_length_mm: number;
  /**
   * Share of the lesion it removes, 0 to 1
   */
  removed_fraction: number;
  /**
   * Least distance of its wall to the cortex, mm
   */
  cortical_clearance_mm: number | null;
  /**
   * Least distance of its wall to the postero-superior neck, mm
   */
  posterosuperior_clearance_mm: number | null;
  /**
   * Least distance of wall and end to the joint's surface, mm
   */
  joint_clearance_mm: number | null;
  /**
   * Along its axis from the tip to the bone's surface, as fluoroscopy shows it, mm
   */
  end_to_joint_mm?: number | null;
  /**
   * The same from the end of a guide pin that runs ahead, mm; absent: none
   */
  pin_to_joint_mm?: number | null;
  /**
   * Least distance of that pin to the bone's surface, mm; absent: none
   */
  pin_clearance_mm?: number | null;
  /**
   * Least distance to the regions to avoid, mm
   */
  avoid_clearance_mm?: number | null;
  /**
   * Drill–cortex angle, 90 perpendicular, deg
   */
  incidence_deg: number;
  /**
   * Entry normal, deviation from lateral, deg
   */
  entry_normal_deg: number;
  /**
   * Angle of its axis to the shaft, 3-D, deg
   */
  shaft_angle_deg: number;
  /**
   * Angle to the shaft in the AP view, deg
   */
  ap_angle_deg: number;
  /**
   * Sagittal angulation, anterior positive, deg
   */
  lateral_tilt_deg: number;
  /**
   * Entry above the lesser trochanter's level, mm
   */
  entry_above_lesser_trochanter_mm: number;
  /**
   * Entry below the greater trochanter's tip, mm
   */
  entry_below_greater_trochanter_mm: number | null;
  /**
   * AP offset of the entry from the mid-lateral line, anterior positive, mm
   */
  entry_anterior_mm: number | null;
  /**
   * Hole's upper edge below the vastus ridge, mm; null: the ridge is not found
   */
  entry_edge_below_ridge_mm?: number | null;
  /**
   * Least and greatest of each figure that depends on an uncertain lateral axis
   */
  frame_range?: {
    /**
     * @minItems 2
     * @maxItems 2
     */
    [k: string]: [number, number];
  };
  /**
   * Whether the surgeon insists on this tunnel
   */
  kept?: boolean;
  path_bone?: PathBonePart;
  /**
   * Risk by guidance method
   */
  risk: {
    [k: string]: RiskPart;
  };
  explanation?: ExplanationPart;
  [k: string]: unknown;
}
/**
 * Density along its axis, and cortex at its entry
 */
export interface PathBonePart {
  /**
   * CT density on the axis; null: no CT that shows all of it
   */
  density: DensityPart | null;
  /**
   * Thickness of the cortex at the entry along the surface's normal, mm; null: not to be read
   */
  entry_cortex_mm: number | null;
  /**
   * Where that is read; ct_at_most: smeared by the voxels, the cortex is no thicker
   */
  entry_cortex_from: "ct" | "ct_at_most" | "mask" | "none";
  [k: string]: unknown;
}
/**
 * CT density on a tunnel's axis from entry to tip.
 */
export interface DensityPart {
  /**
   * Mean density, HU
   */
  mean_hu: number;
  /**
   * Least density, HU
   */
  least_hu: number;
  /**
   * Greatest density, HU
   */
  greatest_hu: number;
  /**
   * The same by 5 mm from the entry on; the last is shorter
   */
  stretches: DensityStretchPart[];
  [k: string]: unknown;
}
/**
 * CT density on a part of a tunnel's axis.
 */
export interface DensityStretchPart {
  /**
   * Where it begins, mm from the entry
   */
  from_mm: number;
  /**
   * Where it ends, mm from the entry
   */
  to_mm: number;
  /**
   * Mean density, HU
   */
  mean_hu: number;
  /**
   * Least density, HU
   */
  least_hu: number;
  /**
   * Greatest density, HU
   */
  greatest_hu: number;
  [k: string]: unknown;
}
/**
 * Risk of one tunnel, or of all together, under one guidance method.
 */
export interface RiskPart {
  /**
   * Probability of cortical perforation, 0 to 1
   */
  cortex_breach_probability: number;
  /**
   * Probability of joint penetration, 0 to 1
   */
  joint_breach_probability: number;
  /**
   * Probability that cortex or joint is perforated, 0 to 1
   */
  perforation_probability?: number;
  /**
   * Clearance that 5 % of drillings stay under, mm
   */
  clearance_p05_mm: number;
  /**
   * Clearance that half of the drillings stay under, mm
   */
  clearance_p50_mm: number;
  /**
   * Mean share of the lesion removed, 0 to 1
   */
  removed_fraction_mean: number;
  /**
   * Share of the lesion that 5 % of drillings stay under, 0 to 1
   */
  removed_fraction_p05: number;
  /**
   * Share of the lesion that half of the drillings stay under, 0 to 1
   */
  removed_fraction_p50: number;
  /**
   * Standard error of each figure, in its unit
   */
  standard_errors: {
    [k: string]: number;
  };
  /**
   * Share of the perforations by location, 0 to 1
   */
  breach_places: {
    [k: string]: number;
  };
  /**
   * Number of simulated drillings
   */
  poses: number;
  /**
   * Root mean square position error of a lesion from another scan, mm; null: unknown, not counted
   */
  lesion_shift_mm?: number | null;
  [k: string]: unknown;
}
/**
 * Why it is there
 */
export interface ExplanationPart {
  /**
   * The explanation in words
   */
  text: string;
  /**
   * Walls it comes nearest to
   */
  nearest: WallPart[];
  /**
   * Limits that hold it
   */
  limits: HeldLimitPart[];
  [k: string]: unknown;
}
/**
 * A wall that the tunnel comes near to.
 */
export interface WallPart {
  /**
   * Which wall
   */
  what: "cortex" | "joint" | "neck";
  /**
   * On which side of the tunnel
   */
  where: "anterior" | "head" | "inferior" | "lateral" | "posterior" | "superior";
  /**
   * Bone left there, mm
   */
  clearance_mm: number;
  /**
   * How far from the entry, mm
   */
  depth_mm: number;
  [k: string]: unknown;
}
/**
 * A limit that holds the tunnel where it is.
 */
export interface HeldLimitPart {
  /**
   * Parameter of spec
   */
  key: string;
  /**
   * The limit, in its unit
   */
  limit: number;
  /**
   * The tunnel's figure, in its unit
   */
  value: number;
  /**
   * Unit of limit, value and step
   */
  unit: "deg" | "mm";
  /**
   * By how much the limit was moved to measure the gain; null: not
   */
  step: number | null;
  /**
   * Share of the lesion that more is removed then, 0 to 1
   */
  gain_fraction: number | null;
  [k: string]: unknown;
}
/**
 * What the tunnels do together
 */
export interface TotalsPart {
  /**
   * Share removed, 0 to 1
   */
  removed_fraction: number;
  /**
   * Share deeper than the joint margin, 0 to 1
   */
  reachable_fraction: number;
  /**
   * Share removed of the lesion in the weight-bearing sector, 0 to 1; null: none there
   */
  removed_weight_bearing_fraction: number | null;
  /**
   * Share within 3 mm of a wall, 0 to 1
   */
  reached_3mm_fraction: number;
  /**
   * Share within 5 mm of a wall, 0 to 1
   */
  reached_5mm_fraction: number;
  /**
   * Share by the target of the search, 0 to 1
   */
  target_fraction: number;
  /**
   * Share removed of each focus by number, 0 to 1
   */
  foci_removed_fraction?: number[];
  /**
   * Lesion removed, ml
   */
  necrosis_removed_ml: number;
  /**
   * Lesion residual, ml
   */
  necrosis_left_ml: number;
  /**
   * Viable bone removed, ml
   */
  healthy_bone_removed_ml: number;
  /**
   * Graft volume required, ml
   */
  graft_volume_ml: number;
  /**
   * Share of the neck's smallest cross-section removed, 0 to 1
   */
  neck_area_share: number;
  /**
   * How exact the removed share is, 0 to 1
   */
  discretisation_error_fraction: number;
  /**
   * Proven bound of the removed share, 0 to 1; null: none
   */
  upper_bound_fraction: number | null;
  /**
   * Bound over removed share, less 1; null: no bound
   */
  optimality_gap: number | null;
  /**
   * What ended the proof
   */
  stopped_by: "effort" | "gap" | "time";
  /**
   * Bone that stays; null: no tunnel
   */
  bone_left?: BoneLeftPart | null;
  /**
   * Risk of all together by method
   */
  risk: {
    [k: string]: RiskPart;
  };
  outline?: OutlineRiskPart;
  /**
   * Share by the target over the most that was found, 0 to 1; null: not searched
   */
  removed_share_of_best?: number | null;
  [k: string]: unknown;
}
/**
 * Residual bone stock: femoral neck and lateral wall after drilling.
 */
export interface BoneLeftPart {
  /**
   * Maximum neck cross-section loss, 0 to 1
   */
  neck_share_max: number | null;
  /**
   * Where that is along the neck, mm from the head's centre
   */
  neck_share_at_mm: number | null;
  /**
   * Inferior margin of the lowest entry hole above the lesser trochanter's level, mm
   */
  hole_above_lesser_trochanter_mm: number;
  /**
   * Least bone between separate holes, mm; null: one hole
   */
  bridge_mm: number | null;
  /**
   * Lateral-wall defect, share of its width, 0 to 1
   */
  lateral_wall_share: number | null;
  /**
   * Least bone between two tunnels' walls in the neck, mm; null: no two pass it
   */
  neck_bridge_mm?: number | null;
  /**
   * Entry holes in the lateral cortex
   */
  holes: number;
  /**
   * Arrangement of the tunnels
   */
  pattern: "fan" | "parallel" | "separate" | "single";
  /**
   * Greatest angle between two tunnels, deg; null: one tunnel
   */
  spread_deg: number | null;
  [k: string]: unknown;
}
/**
 * What an error of the lesion's outline does
 */
export interface OutlineRiskPart {
  /**
   * Mean error of the outline, mm
   */
  error_mm: number;
  /**
   * Length along which the error is alike, mm
   */
  correlation_mm: number;
  /**
   * Mean volume removed, of the true lesion's mean volume, 0 to 1
   */
  expected_removed_fraction: number;
  /**
   * Share that 5 % of outlines stay under, 0 to 1
   */
  removed_fraction_p05: number;
  /**
   * Share that 95 % of outlines stay under, 0 to 1
   */
  removed_fraction_p95: number;
  /**
   * How often no tunnel meets each focus, by number, 0 to 1
   */
  foci_missed_probability: number[];
  /**
   * How often a focus is missed that is met as drawn, 0 to 1
   */
  focus_missed_probability: number;
  /**
   * Outlines simulated
   */
  outlines: number;
  [k: string]: unknown;
}
/**
 * Another plan, and by how much it differs.
 */
export interface AlternativePart {
  /**
   * Its tunnels
   */
  tunnels: OtherTunnelPart[];
  totals: OtherTotalsPart;
  /**
   * Least spare clearance, mm
   */
  room_mm: number | null;
  /**
   * Probability that cortex or joint is perforated, 0 to 1
   */
  breach_probability: number;
  /**
   * Guidance method of this probability
   */
  breach_method: string;
  against_plan: DifferencePart;
  [k: string]: unknown;
}
/**
 * A tunnel of an alternative.
 */
export interface OtherTunnelPart {
  /**
   * Entry on the lateral cortex, RAS mm
   *
   * @minItems 3
   * @maxItems 3
   */
  entry: [number, number, number];
  /**
   * Deepest point of the instrument on the axis, RAS mm; a guide pin may run ahead
   *
   * @minItems 3
   * @maxItems 3
   */
  tip: [number, number, number];
  /**
   * Unit vector from entry to tip
   *
   * @minItems 3
   * @maxItems 3
   */
  direction: [number, number, number];
  /**
   * Diameter of the drill, mm
   */
  diameter_mm: number;
  /**
   * Diameter of the cavity at the tip, mm; null: none
   */
  cavity_diameter_mm?: number | null;
  /**
   * Length of the cavity at the tip, mm; null: none
   */
  cavity_length_mm?: number | null;
  /**
   * Entry to tip, mm
   */
  length_mm: number;
  /**
   * Length of the cortical entry hole, where the cortical margin does not apply, mm
   */
  portal_length_mm: number;
  /**
   * Share of the lesion it removes, 0 to 1
   */
  removed_fraction: number;
  /**
   * Least distance of its wall to the cortex, mm
   */
  cortical_clearance_mm: number | null;
  /**
   * Least distance of its wall to the postero-superior neck, mm
   */
  posterosuperior_clearance_mm: number | null;
  /**
   * Least distance of wall and end to the joint's surface, mm
   */
  joint_clearance_mm: number | null;
  /**
   * Along its axis from the tip to the bone's surface, as fluoroscopy shows it, mm
   */
  end_to_joint_mm?: number | null;
  /**
   * The same from the end of a guide pin that runs ahead, mm; absent: none
   */
  pin_to_joint_mm?: number | null;
  /**
   * Least distance of that pin to the bone's surface, mm; absent: none
   */
  pin_clearance_mm?: number | null;
  /**
   * Least distance to the regions to avoid, mm
   */
  avoid_clearance_mm?: number | null;
  /**
   * Drill–cortex angle, 90 perpendicular, deg
   */
  incidence_deg: number;
  /**
   * Entry normal, deviation from lateral, deg
   */
  entry_normal_deg: number;
  /**
   * Angle of its axis to the shaft, 3-D, deg
   */
  shaft_angle_deg: number;
  /**
   * Angle to the shaft in the AP view, deg
   */
  ap_angle_deg: number;
  /**
   * Sagittal angulation, anterior positive, deg
   */
  lateral_tilt_deg: number;
  /**
   * Entry above the lesser trochanter's level, mm
   */
  entry_above_lesser_trochanter_mm: number;
  /**
   * Entry below the greater trochanter's tip, mm
   */
  entry_below_greater_trochanter_mm: number | null;
  /**
   * AP offset of the entry from the mid-lateral line, anterior positive, mm
   */
  entry_anterior_mm: number;
  /**
   * Hole's upper edge below the vastus ridge, mm; null: the ridge is not found
   */
  entry_edge_below_ridge_mm?: number | null;
  /**
   * Least and greatest of each figure that depends on an uncertain lateral axis
   */
  frame_range?: {
    /**
     * @minItems 2
     * @maxItems 2
     */
    [k: string]: [number, number];
  };
  /**
   * Whether the surgeon insists on this tunnel
   */
  kept?: boolean;
  path_bone?: PathBonePart1;
  /**
   * Risk by guidance method
   */
  risk: {
    [k: string]: RiskPart;
  };
  explanation?: ExplanationPart1;
  [k: string]: unknown;
}
/**
 * Density along its axis, and cortex at its entry
 */
export interface PathBonePart1 {
  /**
   * CT density on the axis; null: no CT that shows all of it
   */
  density: DensityPart | null;
  /**
   * Thickness of the cortex at the entry along the surface's normal, mm; null: not to be read
   */
  entry_cortex_mm: number | null;
  /**
   * Where that is read; ct_at_most: smeared by the voxels, the cortex is no thicker
   */
  entry_cortex_from: "ct" | "ct_at_most" | "mask" | "none";
  [k: string]: unknown;
}
/**
 * Why it is there
 */
export interface ExplanationPart1 {
  /**
   * The explanation in words
   */
  text: string;
  /**
   * Walls it comes nearest to
   */
  nearest: WallPart[];
  /**
   * Limits that hold it
   */
  limits: HeldLimitPart[];
  [k: string]: unknown;
}
/**
 * What they do together
 */
export interface OtherTotalsPart {
  /**
   * Share removed, 0 to 1
   */
  removed_fraction: number;
  /**
   * Share deeper than the joint margin, 0 to 1
   */
  reachable_fraction: number;
  /**
   * Share removed of the lesion in the weight-bearing sector, 0 to 1; null: none there
   */
  removed_weight_bearing_fraction: number | null;
  /**
   * Share within 3 mm of a wall, 0 to 1
   */
  reached_3mm_fraction: number;
  /**
   * Share within 5 mm of a wall, 0 to 1
   */
  reached_5mm_fraction: number;
  /**
   * Share by the target of the search, 0 to 1
   */
  target_fraction?: number;
  /**
   * Share removed of each focus by number, 0 to 1
   */
  foci_removed_fraction?: number[];
  /**
   * Lesion removed, ml
   */
  necrosis_removed_ml: number;
  /**
   * Lesion residual, ml
   */
  necrosis_left_ml: number;
  /**
   * Viable bone removed, ml
   */
  healthy_bone_removed_ml: number;
  /**
   * Graft volume required, ml
   */
  graft_volume_ml: number;
  /**
   * Share of the neck's smallest cross-section removed, 0 to 1
   */
  neck_area_share: number;
  /**
   * How exact the removed share is, 0 to 1
   */
  discretisation_error_fraction: number;
  /**
   * Proven bound of the removed share, 0 to 1; null: none
   */
  upper_bound_fraction: number | null;
  /**
   * Bound over removed share, less 1; null: no bound
   */
  optimality_gap: number | null;
  /**
   * What ended the proof
   */
  stopped_by: "effort" | "gap" | "time";
  /**
   * Bone that stays; null: no tunnel
   */
  bone_left?: BoneLeftPart | null;
  /**
   * Risk of all together by method
   */
  risk: {
    [k: string]: RiskPart;
  };
  outline?: OutlineRiskPart1;
  [k: string]: unknown;
}
/**
 * What an error of the lesion's outline does
 */
export interface OutlineRiskPart1 {
  /**
   * Mean error of the outline, mm
   */
  error_mm: number;
  /**
   * Length along which the error is alike, mm
   */
  correlation_mm: number;
  /**
   * Mean volume removed, of the true lesion's mean volume, 0 to 1
   */
  expected_removed_fraction: number;
  /**
   * Share that 5 % of outlines stay under, 0 to 1
   */
  removed_fraction_p05: number;
  /**
   * Share that 95 % of outlines stay under, 0 to 1
   */
  removed_fraction_p95: number;
  /**
   * How often no tunnel meets each focus, by number, 0 to 1
   */
  foci_missed_probability: number[];
  /**
   * How often a focus is missed that is met as drawn, 0 to 1
   */
  focus_missed_probability: number;
  /**
   * Outlines simulated
   */
  outlines: number;
  [k: string]: unknown;
}
/**
 * It less the plan
 */
export interface DifferencePart {
  /**
   * Share removed, difference
   */
  removed_fraction: number | null;
  /**
   * Spare clearance, difference, mm
   */
  room_mm: number | null;
  /**
   * Viable bone removed, difference, ml
   */
  healthy_bone_removed_ml: number | null;
  /**
   * Probability of perforation, difference
   */
  breach_probability: number | null;
  [k: string]: unknown;
}
/**
 * A point of the curve: tunnels that none on it both exceeds in removal and undercuts in perforation.
 */
export interface TradeoffPart {
  /**
   * Share of the lesion by the target of the search, 0 to 1
   */
  removed_fraction: number;
  /**
   * Cortex or joint perforated by the plan's guidance method, 0 to 1
   */
  perforation_probability: number;
  /**
   * Entry of the first tunnel, RAS mm
   *
   * @minItems 3
   * @maxItems 3
   */
  entry: [number, number, number];
  /**
   * Tip of the first tunnel, RAS mm
   *
   * @minItems 3
   * @maxItems 3
   */
  tip: [number, number, number];
  /**
   * Clearance that 5 % of drillings stay under, mm
   */
  clearance_p05_mm?: number;
  /**
   * Whether it is the plan
   */
  chosen: boolean;
  /**
   * Every tunnel of a set
   */
  tunnels?: TradeoffTunnelPart[];
  [k: string]: unknown;
}
/**
 * One tunnel of a set on the curve; its size is the plan's, of an existing tunnel its own.
 */
export interface TradeoffTunnelPart {
  /**
   * Entry, RAS mm
   *
   * @minItems 3
   * @maxItems 3
   */
  entry: [number, number, number];
  /**
   * Tip, RAS mm
   *
   * @minItems 3
   * @maxItems 3
   */
  tip: [number, number, number];
  [k: string]: unknown;
}
/**
 * Standard deviations of a way of drilling.
 */
export interface MethodPart {
  /**
   * Name of the method
   */
  name: string;
  /**
   * Of the entry in either direction, mm
   */
  entry_mm: number;
  /**
   * Of the angle about either axis, deg
   */
  angle_deg: number;
  /**
   * Of the depth, mm
   */
  depth_mm: number;
  /**
   * Share of drillings that err more, 0 to 1
   */
  tail_share: number;
  /**
   * How many times more those err
   */
  tail_factor: number;
  /**
   * A pin seen so far off its target in one of two views is redirected, mm; 0: nobody looks
   */
  redirect_mm?: number;
  /**
   * Of where the target is taken to be in each view, mm
   */
  reading_mm?: number;
  /**
   * Of where the bone's outline is taken to be in each view, mm
   */
  outline_mm?: number;
  [k: string]: unknown;
}
/**
 * What planning for errors cost
 */
export interface RobustPart {
  /**
   * Guidance method planned for
   */
  method: string;
  /**
   * Limit of the probability of perforation, 0 to 1
   */
  breach_probability_max: number;
  /**
   * Whether the plan is within it
   */
  limit_met: boolean;
  risk: RiskPart1;
  plain: PlainTunnelPart;
  /**
   * Share removed given up, as planned
   */
  cost_removed_fraction: number;
  /**
   * Share removed given up, as drilled
   */
  cost_expected_fraction: number;
  /**
   * Tunnels tried
   */
  trials: number;
  [k: string]: unknown;
}
/**
 * Risk of one tunnel, or of all together, under one guidance method.
 */
export interface RiskPart1 {
  /**
   * Probability of cortical perforation, 0 to 1
   */
  cortex_breach_probability: number;
  /**
   * Probability of joint penetration, 0 to 1
   */
  joint_breach_probability: number;
  /**
   * Probability that cortex or joint is perforated, 0 to 1
   */
  perforation_probability?: number;
  /**
   * Clearance that 5 % of drillings stay under, mm
   */
  clearance_p05_mm: number;
  /**
   * Clearance that half of the drillings stay under, mm
   */
  clearance_p50_mm: number;
  /**
   * Mean share of the lesion removed, 0 to 1
   */
  removed_fraction_mean: number;
  /**
   * Share of the lesion that 5 % of drillings stay under, 0 to 1
   */
  removed_fraction_p05: number;
  /**
   * Share of the lesion that half of the drillings stay under, 0 to 1
   */
  removed_fraction_p50: number;
  /**
   * Standard error of each figure, in its unit
   */
  standard_errors: {
    [k: string]: number;
  };
  /**
   * Share of the perforations by location, 0 to 1
   */
  breach_places: {
    [k: string]: number;
  };
  /**
   * Number of simulated drillings
   */
  poses: number;
  /**
   * Root mean square position error of a lesion from another scan, mm; null: unknown, not counted
   */
  lesion_shift_mm?: number | null;
  [k: string]: unknown;
}
/**
 * The tunnel of the plain plan
 */
export interface PlainTunnelPart {
  /**
   * Entry on the lateral cortex, RAS mm
   *
   * @minItems 3
   * @maxItems 3
   */
  entry: [number, number, number];
  /**
   * Deepest point of the instrument on the axis, RAS mm; a guide pin may run ahead
   *
   * @minItems 3
   * @maxItems 3
   */
  tip: [number, number, number];
  /**
   * Unit vector from entry to tip
   *
   * @minItems 3
   * @maxItems 3
   */
  direction: [number, number, number];
  /**
   * Diameter of the drill, mm
   */
  diameter_mm: number;
  /**
   * Diameter of the cavity at the tip, mm; null: none
   */
  cavity_diameter_mm?: number | null;
  /**
   * Length of the cavity at the tip, mm; null: none
   */
  cavity_length_mm?: number | null;
  /**
   * Entry to tip, mm
   */
  length_mm: number;
  /**
   * Length of the cortical entry hole, where the cortical margin does not apply, mm
   */
  portal_length_mm: number;
  /**
   * Share of the lesion it removes, 0 to 1
   */
  removed_fraction: number;
  /**
   * Least distance of its wall to the cortex, mm
   */
  cortical_clearance_mm: number | null;
  /**
   * Least distance of its wall to the postero-superior neck, mm
   */
  posterosuperior_clearance_mm: number | null;
  /**
   * Least distance of wall and end to the joint's surface, mm
   */
  joint_clearance_mm: number | null;
  /**
   * Along its axis from the tip to the bone's surface, as fluoroscopy shows it, mm
   */
  end_to_joint_mm?: number | null;
  /**
   * The same from the end of a guide pin that runs ahead, mm; absent: none
   */
  pin_to_joint_mm?: number | null;
  /**
   * Least distance of that pin to the bone's surface, mm; absent: none
   */
  pin_clearance_mm?: number | null;
  /**
   * Least distance to the regions to avoid, mm
   */
  avoid_clearance_mm?: number | null;
  /**
   * Drill–cortex angle, 90 perpendicular, deg
   */
  incidence_deg: number;
  /**
   * Entry normal, deviation from lateral, deg
   */
  entry_normal_deg: number;
  /**
   * Angle of its axis to the shaft, 3-D, deg
   */
  shaft_angle_deg: number;
  /**
   * Angle to the shaft in the AP view, deg
   */
  ap_angle_deg: number;
  /**
   * Sagittal angulation, anterior positive, deg
   */
  lateral_tilt_deg: number;
  /**
   * Entry above the lesser trochanter's level, mm
   */
  entry_above_lesser_trochanter_mm: number;
  /**
   * Entry below the greater trochanter's tip, mm
   */
  entry_below_greater_trochanter_mm: number | null;
  /**
   * AP offset of the entry from the mid-lateral line, anterior positive, mm
   */
  entry_anterior_mm: number | null;
  /**
   * Hole's upper edge below the vastus ridge, mm; null: the ridge is not found
   */
  entry_edge_below_ridge_mm?: number | null;
  /**
   * Least and greatest of each figure that depends on an uncertain lateral axis
   */
  frame_range?: {
    /**
     * @minItems 2
     * @maxItems 2
     */
    [k: string]: [number, number];
  };
  risk: RiskPart2;
  [k: string]: unknown;
}
/**
 * Risk of one tunnel, or of all together, under one guidance method.
 */
export interface RiskPart2 {
  /**
   * Probability of cortical perforation, 0 to 1
   */
  cortex_breach_probability: number;
  /**
   * Probability of joint penetration, 0 to 1
   */
  joint_breach_probability: number;
  /**
   * Probability that cortex or joint is perforated, 0 to 1
   */
  perforation_probability?: number;
  /**
   * Clearance that 5 % of drillings stay under, mm
   */
  clearance_p05_mm: number;
  /**
   * Clearance that half of the drillings stay under, mm
   */
  clearance_p50_mm: number;
  /**
   * Mean share of the lesion removed, 0 to 1
   */
  removed_fraction_mean: number;
  /**
   * Share of the lesion that 5 % of drillings stay under, 0 to 1
   */
  removed_fraction_p05: number;
  /**
   * Share of the lesion that half of the drillings stay under, 0 to 1
   */
  removed_fraction_p50: number;
  /**
   * Standard error of each figure, in its unit
   */
  standard_errors: {
    [k: string]: number;
  };
  /**
   * Share of the perforations by location, 0 to 1
   */
  breach_places: {
    [k: string]: number;
  };
  /**
   * Number of simulated drillings
   */
  poses: number;
  /**
   * Root mean square position error of a lesion from another scan, mm; null: unknown, not counted
   */
  lesion_shift_mm?: number | null;
  [k: string]: unknown;
}
/**
 * The path given
 */
export interface GivenPart {
  /**
   * Entry as given, RAS mm
   *
   * @minItems 3
   * @maxItems 3
   */
  entry: [number, number, number];
  /**
   * Tip as given, RAS mm
   *
   * @minItems 3
   * @maxItems 3
   */
  tip: [number, number, number];
  /**
   * How far the entry was moved onto the cortex, mm
   */
  entry_moved_mm: number;
  [k: string]: unknown;
}
/**
 * The best tunnel near a path set by hand that keeps every limit.
 */
export interface NearestTunnelPart {
  /**
   * Entry on the lateral cortex, RAS mm
   *
   * @minItems 3
   * @maxItems 3
   */
  entry: [number, number, number];
  /**
   * Deepest point of the instrument on the axis, RAS mm; a guide pin may run ahead
   *
   * @minItems 3
   * @maxItems 3
   */
  tip: [number, number, number];
  /**
   * Unit vector from entry to tip
   *
   * @minItems 3
   * @maxItems 3
   */
  direction: [number, number, number];
  /**
   * Diameter of the drill, mm
   */
  diameter_mm: number;
  /**
   * Diameter of the cavity at the tip, mm; null: none
   */
  cavity_diameter_mm?: number | null;
  /**
   * Length of the cavity at the tip, mm; null: none
   */
  cavity_length_mm?: number | null;
  /**
   * Entry to tip, mm
   */
  length_mm: number;
  /**
   * Length of the cortical entry hole, where the cortical margin does not apply, mm
   */
  portal_length_mm: number;
  /**
   * Share of the lesion it removes, 0 to 1
   */
  removed_fraction: number;
  /**
   * Least distance of its wall to the cortex, mm
   */
  cortical_clearance_mm: number | null;
  /**
   * Least distance of its wall to the postero-superior neck, mm
   */
  posterosuperior_clearance_mm: number | null;
  /**
   * Least distance of wall and end to the joint's surface, mm
   */
  joint_clearance_mm: number | null;
  /**
   * Along its axis from the tip to the bone's surface, as fluoroscopy shows it, mm
   */
  end_to_joint_mm?: number | null;
  /**
   * The same from the end of a guide pin that runs ahead, mm; absent: none
   */
  pin_to_joint_mm?: number | null;
  /**
   * Least distance of that pin to the bone's surface, mm; absent: none
   */
  pin_clearance_mm?: number | null;
  /**
   * Least distance to the regions to avoid, mm
   */
  avoid_clearance_mm?: number | null;
  /**
   * Drill–cortex angle, 90 perpendicular, deg
   */
  incidence_deg: number;
  /**
   * Entry normal, deviation from lateral, deg
   */
  entry_normal_deg: number;
  /**
   * Angle of its axis to the shaft, 3-D, deg
   */
  shaft_angle_deg: number;
  /**
   * Angle to the shaft in the AP view, deg
   */
  ap_angle_deg: number;
  /**
   * Sagittal angulation, anterior positive, deg
   */
  lateral_tilt_deg: number;
  /**
   * Entry above the lesser trochanter's level, mm
   */
  entry_above_lesser_trochanter_mm: number;
  /**
   * Entry below the greater trochanter's tip, mm
   */
  entry_below_greater_trochanter_mm: number | null;
  /**
   * AP offset of the entry from the mid-lateral line, anterior positive, mm
   */
  entry_anterior_mm: number | null;
  /**
   * Hole's upper edge below the vastus ridge, mm; null: the ridge is not found
   */
  entry_edge_below_ridge_mm?: number | null;
  /**
   * Least and greatest of each figure that depends on an uncertain lateral axis
   */
  frame_range?: {
    /**
     * @minItems 2
     * @maxItems 2
     */
    [k: string]: [number, number];
  };
  /**
   * Its entry from the given one, mm
   */
  entry_moved_mm: number;
  /**
   * Its tip from the given one, mm
   */
  tip_moved_mm: number;
  /**
   * Its direction from the given one, deg
   */
  turned_deg: number;
  [k: string]: unknown;
}
/**
 * Why there is no tunnel
 */
export interface InfeasiblePart {
  best_reached?: ReachedPart;
  /**
   * The constraint that binds
   */
  binding: string;
  /**
   * The reason in words
   */
  text: string;
  /**
   * Limits that would each do by itself
   */
  relaxations: RelaxationPart[];
  /**
   * Limits that would do together
   */
  together: RelaxationPart[];
  [k: string]: unknown;
}
/**
 * The best set found, where more was asked for
 */
export interface ReachedPart {
  /**
   * Its tunnels
   */
  tunnels: number;
  /**
   * Share it removes, 0 to 1
   */
  removed_fraction: number;
  [k: string]: unknown;
}
/**
 * A limit that would have to give way.
 */
export interface RelaxationPart {
  /**
   * Parameter of spec, or field_of_view, avoid
   */
  key: string;
  /**
   * The limit in force, in its unit
   */
  limit: number;
  /**
   * The limit that lets a tunnel pass, in its unit
   */
  needed: number;
  /**
   * The difference, in its unit
   */
  amount: number;
  /**
   * Step of the limits planned with; null: not planned with
   */
  step: number | null;
  /**
   * Whether planning with it found a tunnel
   */
  confirmed: boolean;
  [k: string]: unknown;
}
/**
 * Gain, risk and factors against, weighed
 */
export interface HeadlinePart {
  /**
   * The worst row's
   */
  color: "amber" | "green" | "red";
  /**
   * In one sentence
   */
  sentence: string;
  /**
   * Everything weighed, the worst first in each group
   */
  rows: HeadlineRowPart[];
  [k: string]: unknown;
}
/**
 * One thing weighed.
 */
export interface HeadlineRowPart {
  /**
   * Stable name; of a warning its code
   */
  key: string;
  /**
   * What it is to the decision
   */
  group: "against" | "gained" | "risked";
  /**
   * Name of the figure
   */
  what: string;
  /**
   * What this plan has
   */
  value: string;
  /**
   * How it stands
   */
  color: "amber" | "green" | "red";
  /**
   * From where it is amber and red, and the source of that
   */
  limit: string;
  [k: string]: unknown;
}
/**
 * The review it comes from
 */
export interface ReviewPart {
  /**
   * Step of the review
   */
  revision: number;
  /**
   * Hash of the plan that was reviewed
   */
  plan: string;
  /**
   * Hash of the last entry of review.json; null: none had been made
   */
  record: string | null;
  /**
   * Notes, as they were written
   */
  notes: string;
  /**
   * Why exceeded limits were accepted; null: they were not
   */
  accepted: string | null;
  /**
   * Who signed; null: nobody
   */
  signed: SignedPart | null;
  lapsed?: SignedPart1;
  [k: string]: unknown;
}
/**
 * Who signed the tunnels, and for which hip.
 */
export interface SignedPart {
  /**
   * Name as it was typed
   */
  name: string;
  /**
   * Day of the signature, ISO 8601
   */
  day: string;
  /**
   * Side as it was typed
   */
  side: "left" | "right";
  [k: string]: unknown;
}
/**
 * Who signed the tunnels, and for which hip.
 */
export interface SignedPart1 {
  /**
   * Name as it was typed
   */
  name: string;
  /**
   * Day of the signature, ISO 8601
   */
  day: string;
  /**
   * Side as it was typed
   */
  side: "left" | "right";
  [k: string]: unknown;
}
/**
 * A file that was written beside the plan.
 */
export interface OutputPart {
  /**
   * Its name in the plan's folder
   */
  path: string;
  /**
   * SHA-256 of the file, hex
   */
  sha256: string;
  [k: string]: unknown;
}

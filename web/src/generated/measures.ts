// Generated from measures.schema.json by web/types.mjs (npm run types): change the schema, not this file.

/**
 * Measures of the necrosis; positions in world RAS mm. Not a medical device.
 */
export interface Measures {
  schema: "corecore.measures/1";
  created: string;
  corecore_version: string;
  coordinate_system: "RAS";
  units: "mm";
  case: {
    id: string;
    side: "left" | "right";
    inputs: {
      role: string;
      path: string | null;
      sha256: string;
      label: number | string | null;
      original_sha256?: string;
      [k: string]: unknown;
    }[];
    [k: string]: unknown;
  };
  volume_ml: number;
  outside_head_ml: number;
  head_volume_ml: number;
  sphere_volume_ml: number;
  head_fraction: number;
  /**
   * @minItems 2
   * @maxItems 2
   */
  head_fraction_half_voxel: [number, number];
  sphere_fraction: number;
  steinberg: string;
  steinberg_sphere: string;
  weight_bearing: {
    cap_half_angle_deg: number;
    subchondral_depth_mm: number;
    /**
     * @minItems 3
     * @maxItems 3
     */
    pole: [number, number, number];
    surface_fraction: number;
    volume_fraction: number;
    depth_mm: number | null;
    poles: {
      [k: string]: {
        cap_half_angle_deg: number;
        subchondral_depth_mm: number;
        /**
         * @minItems 3
         * @maxItems 3
         */
        pole: [number, number, number];
        surface_fraction: number;
        volume_fraction: number;
        depth_mm: number | null;
        [k: string]: unknown;
      };
    };
    [k: string]: unknown;
  };
  components: {
    volume_ml: number;
    [k: string]: unknown;
  }[];
  /**
   * @minItems 3
   * @maxItems 3
   */
  centroid: [number, number, number];
  /**
   * @minItems 3
   * @maxItems 3
   */
  head_center: [number, number, number];
  head_radius_mm: number;
  sources: {
    [k: string]: unknown;
  };
  warnings: {
    code: string;
    text: string;
    [k: string]: unknown;
  }[];
  notice: string;
  head_definitions: {
    [k: string]: {
      head_ml: number;
      lesion_ml: number;
      fraction: number;
      [k: string]: unknown;
    };
  };
  kerboul: {
    coronal_deg: number;
    sagittal_deg: number;
    combined_deg: number;
    coronal_union_deg: number;
    sagittal_union_deg: number;
    grade: number | null;
    [k: string]: unknown;
  };
  necrotic_index: {
    original: number;
    modified: number;
    coronal_slice_mm: number | null;
    sagittal_slice_mm: number | null;
    [k: string]: unknown;
  };
  anterior_necrotic_angle_deg: number | null;
  preserved_angle: {
    lateral_deg: number | null;
    anterior_deg: number | null;
    combined_deg: number | null;
    confirmed: false;
    [k: string]: unknown;
  };
  octants: {
    ASM: number;
    ASL: number;
    PSM: number;
    PSL: number;
    AIM: number;
    AIL: number;
    PIM: number;
    PIL: number;
  };
  centroid_in_head: {
    /**
     * @minItems 3
     * @maxItems 3
     */
    position_mm: [number, number, number];
    latitude_deg: number;
    longitude_deg: number;
    depth_mm: number;
    from_center_share: number;
    [k: string]: unknown;
  };
  osteotomy: {
    rotation: {
      angles_deg: number[];
      surface_fraction: number[];
      intact_fraction: number[];
      best_deg: number;
      best_surface_fraction: number;
      best_intact_fraction: number;
      [k: string]: unknown;
    };
    tilt: {
      angles_deg: number[];
      surface_fraction: number[];
      intact_fraction: number[];
      best_deg: number;
      best_surface_fraction: number;
      best_intact_fraction: number;
      [k: string]: unknown;
    };
    [k: string]: unknown;
  };
  resurfacing: {
    reaming_mm: number[];
    supported_fraction: number[];
    dead_left_ml: number[];
    headline_supported_fraction: number;
    [k: string]: unknown;
  };
  repeatability: {
    classes: {
      [k: string]: unknown;
    };
    half_voxel_mm: number;
    figures: {
      [k: string]: {
        /**
         * @minItems 2
         * @maxItems 2
         */
        half_voxel: [number | null, number | null];
        /**
         * @minItems 2
         * @maxItems 2
         */
        one_mm: [number | null, number | null];
        [k: string]: unknown;
      };
    };
    [k: string]: unknown;
  };
  missing: {
    [k: string]: string;
  };
  jic: {
    type: "A" | "B" | "C1" | "C2" | null;
    basis: "pelvis" | "landmarks" | "population";
    type_range: string | null;
    covered_share: number | null;
    middle_deg: number;
    edge_deg: number;
    lesion_deg: number | null;
    seen_at: "surface" | "depth" | null;
    [k: string]: unknown;
  };
  arco_type: {
    type: 1 | 2 | 3 | null;
    basis: "pelvis" | "landmarks" | "population";
    apex_deg: number;
    edge_deg: number;
    lesion_deg: number | null;
    confirmed: false;
    [k: string]: unknown;
  };
  lateral_pillar: {
    type: "M" | "C" | "L1" | "L2" | "L3" | null;
    medial_share: number;
    central_share: number;
    lateral_share: number;
    /**
     * @minItems 3
     * @maxItems 3
     */
    widths: [number, number, number];
    involved_share: number;
    whole_share: number;
    confirmed: false;
    [k: string]: unknown;
  };
  signs: {
    collapse: {
      over_lesion_mm: number | null;
      rest_p95_mm: number | null;
      rest_max_mm: number | null;
      limit_mm: number;
      found: boolean;
      direction: number[] | null;
      [k: string]: unknown;
    };
    previous_tunnels: {
      [k: string]: unknown;
    }[];
    metal: {
      [k: string]: unknown;
    } | null;
    image_age: {
      imaging_date: string | null;
      days: number | null;
      limit_days: number;
      [k: string]: unknown;
    };
    stage: {
      [k: string]: unknown;
    } | null;
    physis: "open" | "closed" | "unknown";
    asks: string[];
    notes: string[];
    [k: string]: unknown;
  };
  summary: {
    headline: string;
    expected: {
      code: string;
      text: string;
      source: string;
      cohort: string;
      [k: string]: unknown;
    }[];
    speaks_for: {
      code: string;
      text: string;
      source: string;
      cohort: string;
      [k: string]: unknown;
    }[];
    speaks_against: {
      code: string;
      text: string;
      source: string;
      cohort: string;
      [k: string]: unknown;
    }[];
    asks: string[];
    [k: string]: unknown;
  };
  [k: string]: unknown;
}

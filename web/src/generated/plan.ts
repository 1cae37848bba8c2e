// Generated from plan.schema.json by web/types.mjs (npm run types): change the schema, not this file.

/**
 * A plan; positions in world RAS mm. Not a medical device.
 */
export interface Plan {
  schema: "corecore.plan/1";
  created: string;
  corecore_version: string;
  coordinate_system: "RAS";
  units: "mm";
  status: "planned" | "infeasible" | "manual";
  violations: {
    key: string;
    limit: number;
    value: number | null;
    [k: string]: unknown;
  }[];
  warnings: {
    code: string;
    text: string;
    [k: string]: unknown;
  }[];
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
  anatomy: {
    /**
     * @minItems 3
     * @maxItems 3
     */
    head_center: [number, number, number];
    head_radius_mm: number;
    /**
     * @minItems 3
     * @maxItems 3
     */
    neck_center: [number, number, number];
    /**
     * @minItems 3
     * @maxItems 3
     */
    neck_axis: [number, number, number];
    neck_shaft_angle_deg: number;
    neck_min_area_mm2: number;
    /**
     * @minItems 3
     * @maxItems 3
     */
    shaft_point: [number, number, number];
    /**
     * @minItems 3
     * @maxItems 3
     */
    shaft_axis: [number, number, number];
    /**
     * @minItems 3
     * @maxItems 3
     */
    x_axis: [number, number, number];
    lesser_trochanter_tip: [number, number, number] | null;
    lesser_trochanter_height_mm: number;
    greater_trochanter_tip: [number, number, number] | null;
    sources: {
      head_center: "fitted" | "given" | "assumed";
      shaft_axis: "fitted" | "given" | "assumed";
      lesser_trochanter: "fitted" | "given" | "assumed";
      x_axis: "condyles" | "neck" | "given";
      [k: string]: unknown;
    };
    [k: string]: unknown;
  };
  necrosis: {
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
  };
  spec: {
    target?: "lesion" | "weight-bearing" | "reached";
    entry_fixed?: [number, number, number] | null;
    direction_fixed?: [number, number, number] | null;
    avoid_margin_mm?: number;
    reach_mm?: number;
    weight_bearing_weight?: number;
    cavity_diameter_mm?: number;
    cavity_length_mm?: number;
    keep?: {
      /**
       * @minItems 3
       * @maxItems 3
       */
      entry: [number, number, number];
      /**
       * @minItems 3
       * @maxItems 3
       */
      tip: [number, number, number];
      diameter_mm: number;
      [k: string]: unknown;
    }[];
    [k: string]: unknown;
  };
  tunnels: {
    diameter_mm: number;
    length_mm: number;
    portal_length_mm: number;
    removed_fraction: number;
    incidence_deg: number;
    entry_normal_deg: number;
    shaft_angle_deg: number;
    ap_angle_deg: number;
    lateral_tilt_deg: number;
    entry_above_lesser_trochanter_mm: number;
    entry_anterior_mm: number | null;
    cortical_clearance_mm: number | null;
    posterosuperior_clearance_mm: number | null;
    joint_clearance_mm: number | null;
    entry_below_greater_trochanter_mm: number | null;
    /**
     * @minItems 3
     * @maxItems 3
     */
    entry: [number, number, number];
    /**
     * @minItems 3
     * @maxItems 3
     */
    tip: [number, number, number];
    /**
     * @minItems 3
     * @maxItems 3
     */
    direction: [number, number, number];
    risk: {
      [k: string]: {
        clearance_p05_mm: number;
        clearance_p50_mm: number;
        cortex_breach_probability: number;
        joint_breach_probability: number;
        removed_fraction_mean: number;
        removed_fraction_p05: number;
        removed_fraction_p50: number;
        standard_errors: {
          [k: string]: number;
        };
        breach_places: {
          [k: string]: number;
        };
        poses: number;
        lesion_shift_mm?: number | null;
        [k: string]: unknown;
      };
    };
    explanation?: {
      text: string;
      nearest: {
        what: "cortex" | "neck" | "joint";
        where: "superior" | "anterior" | "inferior" | "posterior" | "lateral" | "head";
        clearance_mm: number;
        depth_mm: number;
        [k: string]: unknown;
      }[];
      limits: {
        key: string;
        limit: number;
        value: number;
        unit: "mm" | "deg";
        step: number | null;
        gain_fraction: number | null;
        [k: string]: unknown;
      }[];
      [k: string]: unknown;
    };
    avoid_clearance_mm?: number | null;
    cavity_diameter_mm?: number | null;
    cavity_length_mm?: number | null;
    kept?: boolean;
    [k: string]: unknown;
  }[];
  totals: {
    removed_fraction: number;
    reachable_fraction: number;
    removed_weight_bearing_fraction: number | null;
    reached_3mm_fraction: number;
    reached_5mm_fraction: number;
    necrosis_removed_ml: number;
    necrosis_left_ml: number;
    healthy_bone_removed_ml: number;
    graft_volume_ml: number;
    neck_area_share: number;
    upper_bound_fraction: number | null;
    optimality_gap: number | null;
    discretisation_error_fraction: number;
    stopped_by: "gap" | "effort" | "time";
    risk: {
      [k: string]: {
        clearance_p05_mm: number;
        clearance_p50_mm: number;
        cortex_breach_probability: number;
        joint_breach_probability: number;
        removed_fraction_mean: number;
        removed_fraction_p05: number;
        removed_fraction_p50: number;
        standard_errors: {
          [k: string]: number;
        };
        breach_places: {
          [k: string]: number;
        };
        poses: number;
        lesion_shift_mm?: number | null;
        [k: string]: unknown;
      };
    };
    bone_left?: {
      neck_share_max: number | null;
      neck_share_at_mm: number | null;
      hole_above_lesser_trochanter_mm: number;
      bridge_mm: number | null;
      lateral_wall_share: number | null;
      holes: number;
      pattern: "single" | "fan" | "parallel" | "separate";
      spread_deg: number | null;
      [k: string]: unknown;
    } | null;
    target_fraction: number;
    [k: string]: unknown;
  };
  /**
   * @maxItems 8
   */
  alternatives: {
    tunnels: {
      diameter_mm: number;
      length_mm: number;
      portal_length_mm: number;
      removed_fraction: number;
      incidence_deg: number;
      entry_normal_deg: number;
      shaft_angle_deg: number;
      ap_angle_deg: number;
      lateral_tilt_deg: number;
      entry_above_lesser_trochanter_mm: number;
      entry_anterior_mm: number;
      cortical_clearance_mm: number | null;
      posterosuperior_clearance_mm: number | null;
      joint_clearance_mm: number | null;
      entry_below_greater_trochanter_mm: number | null;
      /**
       * @minItems 3
       * @maxItems 3
       */
      entry: [number, number, number];
      /**
       * @minItems 3
       * @maxItems 3
       */
      tip: [number, number, number];
      /**
       * @minItems 3
       * @maxItems 3
       */
      direction: [number, number, number];
      risk: {
        [k: string]: {
          clearance_p05_mm: number;
          clearance_p50_mm: number;
          cortex_breach_probability: number;
          joint_breach_probability: number;
          removed_fraction_mean: number;
          removed_fraction_p05: number;
          removed_fraction_p50: number;
          standard_errors: {
            [k: string]: number;
          };
          breach_places: {
            [k: string]: number;
          };
          poses: number;
          lesion_shift_mm?: number | null;
          [k: string]: unknown;
        };
      };
      [k: string]: unknown;
    }[];
    totals: {
      removed_fraction: number;
      reachable_fraction: number;
      removed_weight_bearing_fraction: number | null;
      reached_3mm_fraction: number;
      reached_5mm_fraction: number;
      necrosis_removed_ml: number;
      necrosis_left_ml: number;
      healthy_bone_removed_ml: number;
      graft_volume_ml: number;
      neck_area_share: number;
      upper_bound_fraction: number | null;
      optimality_gap: number | null;
      discretisation_error_fraction: number;
      stopped_by: "gap" | "effort" | "time";
      risk: {
        [k: string]: {
          clearance_p05_mm: number;
          clearance_p50_mm: number;
          cortex_breach_probability: number;
          joint_breach_probability: number;
          removed_fraction_mean: number;
          removed_fraction_p05: number;
          removed_fraction_p50: number;
          standard_errors: {
            [k: string]: number;
          };
          breach_places: {
            [k: string]: number;
          };
          poses: number;
          lesion_shift_mm?: number | null;
          [k: string]: unknown;
        };
      };
      [k: string]: unknown;
    };
    room_mm: number | null;
    breach_probability: number;
    breach_method: string;
    against_plan: {
      breach_probability: number | null;
      healthy_bone_removed_ml: number | null;
      removed_fraction: number | null;
      room_mm: number | null;
      [k: string]: unknown;
    };
    [k: string]: unknown;
  }[];
  timings: {
    [k: string]: number;
  };
  infeasible?: {
    binding: string;
    text: string;
    relaxations: {
      key: string;
      limit: number;
      needed: number;
      amount: number;
      step: number | null;
      confirmed: boolean;
      [k: string]: unknown;
    }[];
    together: {
      key: string;
      limit: number;
      needed: number;
      amount: number;
      step: number | null;
      confirmed: boolean;
      [k: string]: unknown;
    }[];
    best_reached?: {
      tunnels: number;
      removed_fraction: number;
      [k: string]: unknown;
    };
    [k: string]: unknown;
  };
  given?: {
    /**
     * @minItems 3
     * @maxItems 3
     */
    entry: [number, number, number];
    /**
     * @minItems 3
     * @maxItems 3
     */
    tip: [number, number, number];
    entry_moved_mm: number;
    [k: string]: unknown;
  };
  nearest?: {
    diameter_mm: number;
    length_mm: number;
    portal_length_mm: number;
    removed_fraction: number;
    incidence_deg: number;
    entry_normal_deg: number;
    shaft_angle_deg: number;
    ap_angle_deg: number;
    lateral_tilt_deg: number;
    entry_above_lesser_trochanter_mm: number;
    entry_anterior_mm: number | null;
    cortical_clearance_mm: number | null;
    posterosuperior_clearance_mm: number | null;
    joint_clearance_mm: number | null;
    entry_below_greater_trochanter_mm: number | null;
    /**
     * @minItems 3
     * @maxItems 3
     */
    entry: [number, number, number];
    /**
     * @minItems 3
     * @maxItems 3
     */
    tip: [number, number, number];
    /**
     * @minItems 3
     * @maxItems 3
     */
    direction: [number, number, number];
    entry_moved_mm: number;
    tip_moved_mm: number;
    turned_deg: number;
    [k: string]: unknown;
  } | null;
  nearest_reason?: string | null;
  seal?: string;
  robust?: {
    method: string;
    breach_probability_max: number;
    limit_met: boolean;
    risk: {
      clearance_p05_mm: number;
      clearance_p50_mm: number;
      cortex_breach_probability: number;
      joint_breach_probability: number;
      removed_fraction_mean: number;
      removed_fraction_p05: number;
      removed_fraction_p50: number;
      standard_errors: {
        [k: string]: number;
      };
      breach_places: {
        [k: string]: number;
      };
      poses: number;
      lesion_shift_mm?: number | null;
      [k: string]: unknown;
    };
    plain: {
      diameter_mm: number;
      length_mm: number;
      portal_length_mm: number;
      removed_fraction: number;
      incidence_deg: number;
      entry_normal_deg: number;
      shaft_angle_deg: number;
      ap_angle_deg: number;
      lateral_tilt_deg: number;
      entry_above_lesser_trochanter_mm: number;
      entry_anterior_mm: number | null;
      cortical_clearance_mm: number | null;
      posterosuperior_clearance_mm: number | null;
      joint_clearance_mm: number | null;
      entry_below_greater_trochanter_mm: number | null;
      /**
       * @minItems 3
       * @maxItems 3
       */
      entry: [number, number, number];
      /**
       * @minItems 3
       * @maxItems 3
       */
      tip: [number, number, number];
      /**
       * @minItems 3
       * @maxItems 3
       */
      direction: [number, number, number];
      risk: {
        clearance_p05_mm: number;
        clearance_p50_mm: number;
        cortex_breach_probability: number;
        joint_breach_probability: number;
        removed_fraction_mean: number;
        removed_fraction_p05: number;
        removed_fraction_p50: number;
        standard_errors: {
          [k: string]: number;
        };
        breach_places: {
          [k: string]: number;
        };
        poses: number;
        lesion_shift_mm?: number | null;
        [k: string]: unknown;
      };
      [k: string]: unknown;
    };
    cost_removed_fraction: number;
    cost_expected_fraction: number;
    trials: number;
    [k: string]: unknown;
  };
  risk_methods?: {
    [k: string]: {
      name: string;
      entry_mm: number;
      angle_deg: number;
      depth_mm: number;
      tail_share: number;
      tail_factor: number;
      [k: string]: unknown;
    };
  };
  [k: string]: unknown;
}
